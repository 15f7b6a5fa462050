"""The notebook of the tutorial runs, and what is stored of its last run is whole and small."""

import base64
import re

import pytest

from tests.helpers.documents import ROOT

nbformat = pytest.importorskip("nbformat", reason="needs the extra gluonvae[notebook]")
nbclient = pytest.importorskip("nbclient", reason="needs the extra gluonvae[notebook]")
pytest.importorskip("ipykernel", reason="needs the extra gluonvae[notebook]")

PATH = ROOT / "docs" / "tutorial" / "variational_autoencoder.ipynb"
PICTURES, BYTES = 10, 400_000


def read():
    return nbformat.read(PATH, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook):
    """All that the cells print."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")


def pictures(notebook):
    """The pictures that the cells show, as the bytes of a .png."""
    data = [output.get("data", {}) for cell in code_cells(notebook) for output in cell.outputs]
    return [base64.b64decode(of["image/png"]) for of in data if "image/png" in of]


def streams(notebook):
    return {output.name for cell in code_cells(notebook) for output in cell.outputs if "name" in output}


def number(text, pattern):
    return float(re.search(pattern, text)[1])


@pytest.fixture(scope="module")
def executed(in_full):
    """The notebook, run from its first cell to its last in a kernel of its own: in full, or with few epochs."""
    notebook = read()
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
        if not in_full:
            cell.source = re.sub(r"\bepochs=\d\d\b", "epochs=2", cell.source)
    # a cell that raises an error, as where a comparison fails, ends it
    nbclient.NotebookClient(notebook, timeout=600, coalesce_streams=True).execute()
    return notebook


def test_it_writes_nothing_but_its_results(executed):
    assert streams(executed) == {"stdout"}
    assert len(pictures(executed)) == PICTURES


def test_what_it_trains_has_learned(executed, in_full):
    text = printed(executed)
    # nats per image; a model whose generator ignores its latent state has about -206
    by_hand = [float(value) for value in re.findall(r"epoch \d: ELBO (-[\d.]+)", text)]
    assert by_hand == sorted(by_hand)
    assert by_hand[-1] > -200
    bound = number(text, r"bound (-[\d.]+) =")
    assert (-140 if in_full else -206) < bound < number(text, r"log p\(x\) (-[\d.]+) ±")
    if not in_full:
        return
    # below log p(x): the affine couplings, the richest of the three, by less than a Gaussian
    below = dict(re.findall(r"(\w+ \w+): ELBO -[\d.]+, which is ([\d.]+) below", text))
    assert float(below["affine couplings"]) < float(below["diagonal Gaussian"])


def test_both_models_agree_to_the_last_digits(executed):
    text = printed(executed)
    for dtype, epsilon in (("float32", 2.0**-23), ("float64", 2.0**-52)):
        assert number(text, rf"{dtype}: the largest relative difference is (\S+),") < 20 * epsilon


def test_the_stored_run_is_whole_and_small():
    notebook = read()
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert {output.output_type for cell in cells for output in cell.outputs} == {"stream", "execute_result"}
    assert streams(notebook) == {"stdout"}
    assert len(pictures(notebook)) == PICTURES
    assert sum(map(len, pictures(notebook))) < BYTES
    assert "/home/" not in PATH.read_text(encoding="utf-8")


def test_its_links_lead_somewhere():
    text = "\n".join(cell.source for cell in read().cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links
    assert all((PATH.parent / link).resolve().exists() for link in links)
