"""Operators of MXNet that are one OpenMP region each, on the threads that MXNet uses itself.

A region is a function that every thread of a team calls. Each thread computes rows or units of its own, so that a
matrix product, its bias and its activation are one pass over memory that is in the thread's cache, and the threads
wait for each other a few times an operator. What a region computes does not depend on the number of threads, to the
bit.

- ``availability`` tells whether regions are used here, and ``onednn`` finds the matrix product;
- ``kinds`` has the instructions of programs, ``images`` the sizes of those of images, ``program`` their sequences,
  ``layout`` the plan of one for inputs of certain shapes, and ``programs`` makes an operator of MXNet's of it, as
  ``operator`` does of any region;
- ``fusion`` puts the programs of a graph together, with what ``arithmetic`` makes instructions of;
- ``direct`` calls a graph that is one program past MXNet's executor;
- ``tables`` are regions over the memory of many tensors, ``checks`` over that of one;
- ``widened`` computes bfloat16 in float32;
- ``bodies`` has the compiled code.
"""
