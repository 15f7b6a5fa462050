"""Fill the file system of real trainings at random moments, free it again, resume them, and compare the results.

``python -m tests.slow.full_disk --times 20 --seed 1``, as root: each training writes to a file system in memory of its
own, which another file fills after a random number of epochs. The training ends with an error, or does not notice;
what is in its folder then is whole; and what is resumed comes to the result of a training that was left alone.
"""

import argparse
import json
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from gluonvae.backend.runtime import mx
from gluonvae.training import checkpoint
from gluonvae.training.run import load_run
from tests.slow import trainings

MEGABYTES = 8


def fill(place, leave):
    """Fill a file system but for ``leave`` bytes."""
    with open(place / "filler", "wb", buffering=0) as file:
        free = shutil.disk_usage(place).free - leave
        try:
            while free > 0:
                free -= file.write(b"\0" * min(free, 1 << 16))
        except OSError:
            pass


def faults_in(folder):
    """Return what is not whole in the folder of a run that has ended."""
    faults = [f"left behind: {path.name}" for path in trainings.leftovers(folder)]
    for path in checkpoint.found(folder / "checkpoints"):
        try:
            checkpoint.read(path)
        except checkpoint.CheckpointError as error:
            faults.append(str(error))
    for name in ("config.json", "status.json", "result.json"):
        if (folder / name).exists():
            json.loads((folder / name).read_text())
    trainings.rows(folder)
    if (folder / "model.params").exists():
        load_run(folder, mx.cpu())
    return faults


def trial(place, epochs, leave):
    """Fill the disk of a training, free it, and resume; return what happened, and the faults that were seen."""
    folder = place / "run"
    process = trainings.start(*trainings.OPTIONS, "--out", folder)
    trainings.wait_for(folder, process)
    while trainings.lines(folder) < epochs and process.poll() is None:
        time.sleep(0.002)
    fill(place, leave)
    code, _, err = trainings.finish(process)
    faults = [] if code in (0, 4) else [f"exit status {code}: {err[-300:]}"]
    if "Traceback" in err:
        faults.append("a traceback: " + err[-400:])
    if code == 4 and "space" not in err:
        faults.append(f"nothing is said of the disk: {err[-300:]}")
    if folder.exists():
        faults += faults_in(folder)
    done = trainings.lines(folder)
    (place / "filler").unlink()
    again = ["--resume", folder] if folder.exists() else [*trainings.OPTIONS, "--out", folder]
    code_again, _, err = trainings.finish(trainings.start(*again))
    if code_again != 0:
        faults.append(f"resumed: exit status {code_again}: {err[-400:]}")
    return f"full after {epochs} epochs but for {leave:,} bytes: exit {code} after {done}", faults


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng, failed = random.Random(asked.seed), 0
    with tempfile.TemporaryDirectory() as outside:
        wanted = trainings.reference(Path(outside) / "whole")
        for number in range(asked.times):
            place = Path(outside) / f"disk{number}"
            place.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "gluonvae", place], check=True)
            try:
                leave = rng.choice([0, 0, rng.randint(0, 2_000_000)])
                happened, faults = trial(place, rng.randint(0, trainings.EPOCHS), leave)
                faults += [f"{name} differ" for name in trainings.differences(wanted, trainings.result(place / "run"))]
            finally:
                subprocess.run(["umount", place], check=True)
            print(f"{number + 1:3} {happened}: {'; '.join(faults) or 'whole, and the same when resumed'}", flush=True)
            failed += bool(faults)
    print(f"{asked.times} disks filled: {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
