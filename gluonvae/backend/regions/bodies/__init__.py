"""The compiled code of the regions, imported where it is first used: numba takes longer to import than gluonvae.

``native`` is what compiled code calls, ``numerics`` its exp and log, ``rows`` tells threads what is theirs, and
``passes`` is what MXNet calls. ``program`` takes rows through ``instructions``, a table of compiled code by kinds, of
which ``layers``, ``elementwise``, ``gaussians``, ``masses``, ``mixtures``, ``averages`` and ``images`` have the parts,
``layers`` on ``dense`` and ``images`` on ``convolution``, all of ``tensors``. A kind is compiled where it is first
used. ``direct``, ``tables`` and ``checks`` are the code of the modules of these names.
"""
