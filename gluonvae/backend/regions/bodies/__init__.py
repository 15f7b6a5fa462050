"""The compiled code of the regions, imported where it is first used: numba takes longer to import than gluonvae.

``native`` is what compiled code calls, ``rows`` tells the threads what is theirs, ``passes`` is what MXNet calls; each
of the other modules has the bodies of one operator.
"""
