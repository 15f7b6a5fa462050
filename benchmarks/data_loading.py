"""What does it cost to get batches out of data, and how much memory do data take that are not in memory?

    python benchmarks/data_loading.py [--rows 100000] [--rounds 7]

An epoch of batches in a random order, put on the device, from each form of data, in turn; beside it the same by hand,
slicing an array. Then a model is trained for an epoch, in a process of its own, on a file that is mapped into memory,
and on one ten times as long: memory above that after the import, without the pages of the file.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from machine import describe
from mxnet import gluon

import gluonvae as gv
from gluonvae.batches import epoch, to_device

COLUMNS, BATCH, DENSITY = 784, 128, 0.1
MOST = 150
"""MB above the import that a training on a mapped file may take."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.train:
        _train(asked.train)
        return
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        path = _write(Path(folder) / "rows.npy", asked.rows)
        _loading(path, asked.rounds)
        _memory(path, asked.rows)
        _memory(_write(Path(folder) / "more.npy", 10 * asked.rows), 10 * asked.rows)


def _write(path: Path, rows: int) -> Path:
    file, rng = np.lib.format.open_memmap(path, "w+", np.float32, (rows, COLUMNS)), np.random.default_rng(0)
    for start in range(0, rows, 10_000):
        block = file[start : start + 10_000]
        block[:] = rng.random(block.shape, dtype=np.float32)
    file.flush()
    return path


def _loading(path: Path, rounds: int) -> None:
    mapped = np.load(path, mmap_mode="r")
    values = np.array(mapped)
    grey = (255 * values).astype(np.uint8)
    sparse = scipy.sparse.random(*values.shape, DENSITY, "csr", np.float32, random_state=0)
    loader = gluon.data.DataLoader(gluon.data.ArrayDataset(values), BATCH, shuffle=True)
    vae = gv.construct_vae(likelihood="gaussian", data_dims=COLUMNS)
    vae.initialize()
    none = {"binarization": "none"}
    contestants: dict[str, Callable[[], Iterator[Any]]] = {
        "an array, sliced by hand": lambda: _by_hand(vae, values),
        "an array": lambda: _epoch(vae, gv.data.Dataset(values, **none)),
        "8-bit images, drawn anew": lambda: _epoch(vae, gv.data.Dataset(grey)),
        "a mapped file": lambda: _epoch(vae, gv.data.Dataset(mapped, **none)),
        f"a sparse matrix, {DENSITY:.0%} full": lambda: _epoch(vae, gv.data.Dataset(sparse, **none)),
        "a DataLoader": lambda: _stream(vae, loader),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, start in contestants.items():
            batches = start()
            begin = time.perf_counter()
            for _ in batches:
                pass
            seconds[name].append(time.perf_counter() - begin)
    by_hand = statistics.median(next(iter(seconds.values())))
    titles = "".join(f"{title:>12}" for title in ("median, ms", "fastest", "slowest", "of by hand"))
    print(f"\n{f'an epoch of {len(values)} rows of {COLUMNS}':<34}{titles}")
    for name, of in seconds.items():
        median = statistics.median(of)
        print(f"{name:<34}{1e3 * median:>12.0f}{1e3 * min(of):>12.0f}{1e3 * max(of):>12.0f}{median / by_hand:>12.2f}")


def _order(count: int) -> np.ndarray:
    return np.random.default_rng(0).permutation(count)


def _by_hand(vae: gv.VAE, values: np.ndarray) -> Iterator[Any]:
    order = _order(len(values))
    for start in range(0, len(order), BATCH):
        yield to_device(vae, values[order[start : start + BATCH]])


def _epoch(vae: gv.VAE, data: gv.data.Dataset) -> Iterator[Any]:
    return epoch(vae, data, _order(len(data)), 0, BATCH)


def _stream(vae: gv.VAE, loader: gluon.data.DataLoader) -> Iterator[Any]:
    return epoch(vae, gv.data.Stream(loader), 0, 0, None)


def _memory(path: Path, rows: int) -> None:
    command = [sys.executable, "-W", "ignore", __file__, "--train", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    print(f"trained on {rows} mapped rows, {path.stat().st_size / 1e6:.0f} MB: {result} (at most {MOST} wanted)")


def _train(path: Path) -> None:
    before, peak = _anonymous(), [0.0]

    def watch() -> None:
        while True:
            peak[0] = max(peak[0], _anonymous())
            time.sleep(0.01)

    threading.Thread(target=watch, daemon=True).start()
    train, valid, _ = gv.data.load(str(path))
    vae = gv.construct_vae(
        likelihood="gaussian", likelihood_options={"std": "per_feature", "standardize": True}, data_dims=COLUMNS
    )
    vae.initialize()
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    gv.fit(bound, train, valid, epochs=1, progress=False)
    print(f"{peak[0] - before:.0f} MB above the import")


def _anonymous() -> float:
    """Memory in MB that is no page of a file."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1)) / 1024  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
