"""Properties of the CPU, as the operating system reports them."""

from __future__ import annotations

import math
import os
import platform
import re
from pathlib import Path


def physical_cores() -> int:
    """Count the cores available to this process, hyper-threads counted once.

    Returns
    -------
    int
        At most the number that the process may run on and a container's share of the CPU; at least 1.
    """
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    topology = Path("/sys/devices/system/cpu")
    cores = {_text(topology / f"cpu{cpu}" / "topology/thread_siblings_list") or str(cpu) for cpu in allowed}
    quota, _, period = _text(Path("/sys/fs/cgroup/cpu.max")).partition(" ")
    share = int(quota) / int(period) if quota.isdigit() and period.isdigit() else math.inf
    return max(1, math.floor(min(len(cores), share)))


def bfloat16_in_hardware() -> bool:
    """Return whether the CPU has instructions for bfloat16 products."""
    return bool(re.search(r"\b(avx512_bf16|amx_bf16)\b", _text(Path("/proc/cpuinfo"))))


def processor_name() -> str:
    """Return the name of the CPU's model, or what is known of it, as it decides which instructions add up a sum."""
    named = re.search(r"^model name\s*:\s*(.+)$", _text(Path("/proc/cpuinfo")), re.MULTILINE)
    return named[1] if named else platform.processor() or platform.machine()


def _text(path: Path) -> str:
    """Return the content of a file, or an empty string if it cannot be read."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
