"""Loops over memory, compiled by numba at their first call and cached on disk.

These modules are imported where they are used, as numba takes longer to import than gluonvae.
"""
