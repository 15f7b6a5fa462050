"""A bound on the memory that the process may ask for."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def memory_bounded(size: int) -> Iterator[None]:
    """Bound the memory that this process may ask for: context manager for a library that trusts what it reads.

    The bound is on the address space of all threads together. A function of C that asks for more gets none, and says
    so if it is well written; Python raises MemoryError.

    Parameters
    ----------
    size : int
        Bytes beyond what the process has.
    """
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    bounds = [pages * resource.getpagesize() + size, *(bound for bound in before if bound != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_AS, (min(bounds), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
