"""What training on a file that is mapped into memory takes: no more than a few batches, however long the file is."""

import json
import subprocess
import sys

import numpy as np
import pytest

ROWS, MOST = 40_000, 150
"""Of the file, 125 MB, and the MB above the import that may be taken, without pages of the file."""

TRAIN = """
import json, re, sys, threading, time
import numpy as np
import gluonvae as gv

def anonymous():
    with open("/proc/self/status") as file:
        return int(re.search(r"RssAnon:\\s+(\\d+)", file.read()).group(1)) / 1024

before, peak = anonymous(), [0.0]

def watch():
    while True:
        peak[0] = max(peak[0], anonymous())
        time.sleep(0.005)

threading.Thread(target=watch, daemon=True).start()
train, valid, test = gv.data.load(sys.argv[1])
options = {"std": "per_feature", "standardize": True}
vae = gv.construct_vae(likelihood="gaussian", likelihood_options=options, data_dims=train.width,
                       generator_layer_sizes=[50], infer_layer_sizes=[50], latent_variable_size=10)
vae.initialize()
bound = gv.ELBO(vae)
bound.hybridize(static_alloc=True, static_shape=True)
history = gv.fit(bound, train, valid, epochs=1, batch_size=500, progress=False)
print(json.dumps({"above": peak[0] - before, "rows": len(train), "bound": history["valid_bound"][0]}))
"""


def trained_on(path, rows):
    """What a training on a file of so many rows tells."""
    values, rng = np.lib.format.open_memmap(path, "w+", np.float32, (rows, 784)), np.random.default_rng(0)
    for start in range(0, rows, 2000):
        values[start : start + 2000] = rng.standard_normal((2000, 784), dtype=np.float32)
    values.flush()
    command = [sys.executable, "-W", "ignore", "-c", TRAIN, str(path)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    path.unlink()
    return told


def test_a_mapped_file_is_trained_on_in_little_memory(tmp_path):
    trained_on(tmp_path / "few.npy", 2000)  # which compiles operators, if nobody has yet, and takes memory for that
    told = trained_on(tmp_path / "rows.npy", ROWS)
    assert told["rows"] == 0.8 * ROWS
    assert told["above"] < MOST
    # of independent standard normal values the entropy is the best that can be
    assert told["bound"] == pytest.approx(-784 * 0.5 * np.log(2 * np.pi * np.e), rel=0.02)
