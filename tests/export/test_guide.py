"""The scripts of the guide's page, those that need no gluonvae without it, and the picture."""

import re
import subprocess
import sys

import pytest

import gluonvae as gv
from gluonvae import export
from tests.helpers import small_vae
from tests.helpers.documents import ROOT, blocks, snippets
from tests.helpers.processes import CLEAN, MXNET_FIRST

PAGE = ROOT / "docs" / "guide" / "export.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the first script has written its files."""
    folder = tmp_path_factory.mktemp("guide")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        snippets(PAGE)[0].run(epochs=1)
    return folder


@pytest.mark.parametrize(
    ("name", "without", "wanted"),
    [
        (
            "run_onnx.py",
            ["gluonvae", "mxnet"],
            r"data \['batch', 784\]\nmean \['batch', 20\]\nstd \['batch', 20\]\n\(100, 784\) True True\n",
        ),
        ("train_on.py", ["gluonvae"], r"-\d+\.\d+\n"),
    ],
)
def test_scripts_that_need_no_gluonvae(name, without, wanted, folder):
    (script,) = blocks(PAGE, f"python {name}")
    first = "" if "mxnet" in without else f"{MXNET_FIRST}\n"
    hidden = f"import sys; sys.modules.update(dict.fromkeys({without}))\n{first}"
    (folder / name).write_text(hidden + script)
    command = [sys.executable, "-W", "ignore", name]
    done = subprocess.run(command, cwd=folder, env=CLEAN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(wanted, done.stdout)


def test_the_picture_has_the_inputs_and_outputs():
    drawn = {}
    for line in (ROOT / "docs" / "guide" / "export.svg").read_text().splitlines():
        part = re.search(r'class="t"[^>]*>(\w+)<', line)
        tensor = re.search(r'anchor="(\w+)"><tspan class="n">(\w+)</tspan> <tspan class="s">([^<]+)<', line)
        if part:
            place = drawn.setdefault(part[1], {"end": {}, "start": {}})
        elif tensor:
            place[tensor[1]][tensor[2]] = tensor[3]
    labelled = small_vae(label_size=3, classifier_layer_sizes=[5])
    graphs = {name: make() for name, make in export.parts(gv.ELBO(small_vae())).items()}
    graphs["classifier"] = export.classifier(labelled)
    assert set(drawn) == set(graphs)
    letters = {"12": "X", "4": "D", "3": "Y"}
    for name, graph in graphs.items():
        for side, tensors in (("end", graph.inputs), ("start", graph.outputs)):
            assert list(drawn[name][side]) == list(tensors)
            for tensor, shape in tensors.items():
                letter = re.sub(r"\d+", lambda match: letters[match[0]], export.sizes.in_words(shape))
                assert drawn[name][side][tensor].startswith(letter)
