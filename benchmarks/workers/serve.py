"""What every worker does: make the step of a row, and time it when told to.

A worker is a process of its own, so that no library's threads or settings touch another's. It
reads lines of JSON, ``{"row": NAME, "steps": N}``, and answers each with the seconds of N steps.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).parent.parent))

from rows import LEARNING_RATE, PIXELS, ROWS, Row

__all__ = ["LEARNING_RATE", "PIXELS", "Row", "Step", "serve"]

Step = Callable[[], None]
"""Takes one training step and waits until it is done."""

WARM_UP = 5


def serve(make: Callable[[Row], Step], description: str) -> None:
    print(json.dumps({"description": description}), flush=True)
    steps: dict[str, Step] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        name = asked["row"]
        if name not in steps:
            steps.clear()  # one model at a time
            steps[name] = make(ROWS[name])
            for _ in range(WARM_UP):
                steps[name]()
        print(json.dumps([_seconds(steps[name]) for _ in range(asked["steps"])]), flush=True)


def _seconds(step: Step) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started
