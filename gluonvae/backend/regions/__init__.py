"""Operators of MXNet that are one OpenMP region each, on the threads that MXNet uses itself.

A region is a function that every thread of a team calls. Each thread computes rows or units of its own, so that a
matrix product, its bias and its activation are one pass over memory that is in the thread's cache, and the threads
wait for each other once an operator. What a region computes does not depend on the number of threads, to the bit.

``operator`` makes MXNet's operators of regions, ``bodies`` has their compiled code, and each of the other modules one
operator: its inputs, outputs, shapes and sizes.
"""
