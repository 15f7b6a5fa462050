"""Kill real trainings at random moments, resume them, and compare them with one that was left alone.

``python -m tests.slow.kill --times 30 --seed 1``. Each is sent SIGTERM, SIGKILL,
SIGHUP, SIGINT once or SIGINT twice, after a random number of epochs and at a random moment of the next one, or
while the results are computed.
"""

import argparse
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.slow import trainings

KINDS = {
    "TERM": [signal.SIGTERM],
    "KILL": [signal.SIGKILL],
    "INT": [signal.SIGINT],
    "INT twice": [signal.SIGINT, signal.SIGINT],
    "HUP": [signal.SIGHUP],
}


def disturb(process, folder, kind, epochs, rng):
    """Send the signals of a kind in the epoch after ``epochs``; return whether the process was still there."""
    trainings.wait_for(folder, process)
    while trainings.lines(folder) < epochs and process.poll() is None:
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.5 if epochs in (0, trainings.EPOCHS) else 0.1))
    for number in KINDS[kind]:
        if process.poll() is not None:
            return False
        process.send_signal(number)
        time.sleep(rng.uniform(0, 0.02))
    return True


def trial(folder, kind, epochs, rng):
    """Kill a training and resume it; return what happened, the faults that were seen, and where it was killed."""
    faults = []
    process = trainings.start(*trainings.OPTIONS, "--out", folder)
    disturbed = disturb(process, folder, kind, epochs, rng)
    code, _, err = trainings.finish(process)
    wanted = {0, -signal.SIGKILL} if kind == "KILL" else {0, 128 + KINDS[kind][0]}
    if code not in wanted:
        faults.append(f"exit status {code}, not one of {sorted(wanted)}")
    if "Traceback" in err:
        faults.append("a traceback: " + err[-400:])
    done = trainings.lines(folder)
    code_again, _, err = trainings.finish(trainings.start("--resume", folder))
    if code_again != 0:
        faults.append(f"resumed: exit status {code_again}: {err[-400:]}")
    if trainings.leftovers(folder):
        faults.append(f"left behind: {trainings.leftovers(folder)}")
    return f"exit {code} after {done} epochs" + ("" if disturbed else " (it was done)"), faults


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng, failed, kinds = random.Random(asked.seed), 0, Counter()
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        wanted = trainings.reference(whole)
        print(f"undisturbed: test bound {wanted['result']['test_bound']:.4f}", flush=True)
        for number in range(asked.times):
            kind, epochs = list(KINDS)[number % len(KINDS)], rng.randint(0, trainings.EPOCHS)
            folder = Path(place) / f"run{number}"
            happened, faults = trial(folder, kind, epochs, rng)
            faults += [f"{name} differ" for name in trainings.differences(wanted, trainings.result(folder))]
            print(f"{number + 1:3} {kind:<9} {happened}: {'; '.join(faults) or 'same'}", flush=True)
            failed += bool(faults)
            kinds[kind] += 1
    print(f"{asked.times} trainings killed ({', '.join(f'{n} {kind}' for kind, n in kinds.items())}): {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
