"""The compiled code of the regions, imported where it is first used: numba takes longer to import than gluonvae.

``native`` is what compiled code calls, ``numerics`` its exp and log, ``rows`` tells threads what is theirs, and
``passes`` is what MXNet calls. ``program`` takes rows through ``instructions``, of which ``dense``, ``gaussians``,
``averages`` and ``images`` have the parts, the last with ``convolution``'s products, on ``tensors``. ``tables`` and
``checks`` are the code of the modules of these names.
"""
