"""What does the training loop cost? Images a second of gluonvae.fit, beside the step alone and pythae.

    peers/bin/pip install torch pythae
    python benchmarks/training_loop.py --peers peers/bin/python [--device gpu] [--json FILE]

The tutorial's network is trained for an epoch a turn, each contestant a process of its own. fit and
the README's own loop draw pixels and noise anew at each use; the bare step has both ready; pythae's
trainer has binary pixels ready, the same in each epoch, and draws noise. Two tell the bound they
have reached: proof that both train.
"""

from __future__ import annotations

import sys
import tempfile

import contest
import gluon_model
import numpy as np
from contest import Worker
from rows import TUTORIAL

import gluonvae as gv

FASTER_THAN_PYTHAE, SLOWER_THAN_BARE = 2.5, 1.1


def contestants(peers: str, device: str) -> dict[str, Worker]:
    return contest.start(
        {
            "fit": (sys.executable, "loop_worker.py", "fit", device),
            "own loop": (sys.executable, "loop_worker.py", "own", device),
            "bare step": (sys.executable, "loop_worker.py", "bare", device),
            "pythae": (peers, "pythae_worker.py", "plain", device),
            "pythae, fused Adam": (peers, "pythae_worker.py", "fused", device),
        }
    )


def main() -> None:
    options = contest.parser(__doc__, rounds=5, peers="torch and pythae")
    options.add_argument("--images", type=int, default=50_000, help="in an epoch: digits, repeated")
    options.add_argument("--batch", type=int, default=100)
    asked = contest.parse(options)
    row = TUTORIAL._replace(batch=asked.batch)
    digits = gv.data.load("digits").train.pixels
    images = asked.images // asked.batch * asked.batch
    given = {**gluon_model.weights(gluon_model.construct(row)), "pixels": digits[np.arange(images) % len(digits)]}
    workers = contestants(asked.peers, asked.device)
    with tempfile.TemporaryDirectory() as folder:
        path = contest.write_given(folder, given)
        answers = contest.in_turn(workers, asked.rounds, "epoch", row, path, warm_up=1)
    speeds = {name: images / answer.median for name, answer in answers.items()}
    columns = ("median", "slowest", "fastest", "fit / this", "bound, nats")
    print(f"\n{f'images / s, batch {row.batch}':<24}" + "".join(f"{column:>14}" for column in columns))
    for name, answer in answers.items():
        shown = (speeds[name], images / max(answer.seconds), images / min(answer.seconds))
        print(f"{name:<24}" + "".join(f"{speed:>14,.0f}" for speed in shown), end="")
        print(f"{speeds['fit'] / speeds[name]:>14.2f}{answer.values[-1] or float('nan'):>14.2f}")
    print(f"targets: {FASTER_THAN_PYTHAE} of pythae at least, {1 / SLOWER_THAN_BARE:.2f} of the bare step at least")
    contest.save(asked, images=images, batch=asked.batch, speeds=speeds)


if __name__ == "__main__":
    main()
