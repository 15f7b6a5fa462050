"""Loops over memory, compiled by numba when first called, then kept on disk.

Nothing here is imported before it is used: numba takes longer to load than gluonvae.
"""
