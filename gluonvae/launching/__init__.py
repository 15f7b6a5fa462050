"""``gluonvae launch``: the processes of a group, on one host or several, are started, watched and ended together."""
