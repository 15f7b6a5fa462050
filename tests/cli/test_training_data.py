"""``gluonvae train --data X``: what is chosen for the data, and what is said of it."""

import json
import re

import numpy as np
import pandas
import pytest
import scipy.sparse

from gluonvae.cli.main import main
from tests.helpers.commands import TINY, without_pictures

RNG = np.random.default_rng(0)
N = 60
BYTES = RNG.integers(0, 256, (N, 4, 6), dtype=np.uint8)
COUNTS = RNG.poisson(3, (N, 6))
REALS = RNG.normal(size=(N, 6))

pytestmark = pytest.mark.usefixtures("fast_disk")


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    without_pictures(monkeypatch)


def train(folder, data, *words):
    path = folder / "x.npy"
    if scipy.sparse.issparse(data):
        path = folder / "x.npz"
        scipy.sparse.save_npz(path, data)
    elif isinstance(data, pandas.DataFrame):
        path = folder / "x.csv"
        data.to_csv(path, index=False)
    elif isinstance(data, dict):
        path = folder / "x.npz"
        np.savez(path, **data)
    else:
        np.save(path, data)
    return main(["train", "--data", str(path), *TINY, "--out", str(folder / "run"), *words])


def config(folder):
    return json.loads((folder / "run" / "config.json").read_text())


def holes(values):
    return np.where(RNG.random(values.shape) < 0.1, np.nan, values)


CHOSEN = {
    "bits": (COUNTS > 2, "bernoulli_prod", "none", "likelihood bernoulli_prod, as the data are zeros and ones"),
    "grey": (BYTES, "bernoulli_prod", "dynamic", "likelihood bernoulli_prod, as the data are grey images, whose pixels are drawn as zeros and ones anew at each use"),
    "colour": (BYTES.reshape(N, 4, 2, 3), "discretized_logistic_mixture", None, "likelihood discretized_logistic_mixture, as the data are colour images"),
    "counts": (COUNTS, "negative_binomial", "none", f"likelihood negative_binomial, as the data are counts up to {COUNTS.max()}"),
    "counts beyond 255": (COUNTS * 200, "negative_binomial", "none", f"as the data are counts up to {200 * COUNTS.max()}"),
    "sparse counts": (scipy.sparse.csr_matrix(COUNTS * 20), "negative_binomial", "none", f"as the data are counts up to {20 * COUNTS.max()}"),
    "reals": (REALS, "gaussian", "none", "likelihood gaussian std=per_feature standardize=True, as the data are real numbers from"),
    "a table": (pandas.DataFrame(REALS), "gaussian", "none", "likelihood gaussian std=per_feature standardize=True"),
    "categories": (np.eye(3)[RNG.integers(0, 3, (N, 2))].reshape(N, 6), "categorical", "none", "likelihood categorical categories=3, as the data are one-hot blocks of 3"),
    "reals with holes": (pandas.DataFrame(holes(REALS)), "gaussian", "none", "of them missing"),
    "counts with holes": (pandas.DataFrame(holes(COUNTS)), "negative_binomial", "none", "of them missing"),
    "bits with holes": (holes(COUNTS > 2), "bernoulli_prod", "none", "as the data are zeros and ones, "),
    "fractions in a table": (RNG.random((N, 6)), "gaussian", "none", "real numbers from"),
    "bits, counts in the test set": ({"train": COUNTS > 2, "test": COUNTS[:9]}, "negative_binomial", "none", "counts up to"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHOSEN)
def test_what_is_chosen_is_said(name, tmp_path, capsys):
    data, likelihood, binarization, said = CHOSEN[name]
    assert train(tmp_path, data) == 0
    out = capsys.readouterr().out
    assert said in out
    assert "; --likelihood chooses another" in out
    found = config(tmp_path)
    assert found["model"]["likelihood"] == likelihood
    assert binarization in (None, found["data"]["binarization"])
    assert ("missing" in (found["model"]["likelihood_options"] or {})) == ("holes" in name)
    # what was chosen is the run's, and not chosen again
    assert found["asked"]["likelihood"] == likelihood
    for words in (["evaluate", "--samples", "3"], ["sample", "-n", "2"], ["reconstruct", "--images", "2"]):
        assert main([words[0], str(tmp_path / "run"), *words[1:]]) == 0


def test_nothing_is_said_where_a_likelihood_is_asked_for(tmp_path, capsys):
    assert train(tmp_path, REALS, "--likelihood", "laplace") == 0
    assert "chooses another" not in capsys.readouterr().out
    assert config(tmp_path)["model"]["likelihood"] == "laplace"


def test_options_beside_what_is_chosen(tmp_path):
    assert train(tmp_path, REALS, "--likelihood-options", "std=learned") == 0
    assert config(tmp_path)["model"]["likelihood_options"] == {"std": "learned", "standardize": True}


# explicit likelihoods on data that are others': refused, or what is done with them
REFUSED = {
    "reals as bits": (REALS, ["--likelihood", "bernoulli_prod"], "must be 0 or 1 everywhere for a product of Bernoullis"),
    "counts as bits": (COUNTS * 100, ["--likelihood", "bernoulli_prod"], "must be 0 or 1 everywhere for a product of Bernoullis"),
    "fractions as counts": (REALS**2, ["--likelihood", "poisson"], "must be counts 0, 1, 2, .* got fractions such as"),
    "negative as counts": (COUNTS - 1, ["--likelihood", "negative_binomial"], "got negative values such as -1"),
    "colour as bits": (BYTES.reshape(N, 4, 2, 3), ["--likelihood", "bernoulli_prod"], "in colour: give --likelihood discretized_logistic_mixture, or --binarization dynamic"),
    "counts as categories": (COUNTS, ["--likelihood", "categorical", "--likelihood-options", "categories=3"], "must be one-hot in blocks of 3 for a categorical likelihood"),
    "reals as levels": (REALS, ["--likelihood", "discretized_logistic"], "must be fractions n / 255 of 8-bit images for a discretised logistic"),
    "reals drawn as pixels": (REALS, ["--binarization", "dynamic"], "grey images must lie between 0 and 1, or be whole numbers from 0 to 255"),
    "bits drawn as pixels": (COUNTS > 2, ["--binarization", "dynamic"], "--binarization dynamic has no effect: the images are zeros and ones already"),
    "either": (BYTES.reshape(N, 24), [], "may be grey pixels or counts: say which, with --likelihood bernoulli_prod .* or --likelihood negative_binomial"),
    "holes in pictures": (holes(BYTES / 255), ["--likelihood", "bernoulli_prod"], "must be 0 or 1 everywhere"),
    "infinity": (np.where(COUNTS == 5, np.inf, 0), [], r"x\.npy: .*has inf at"),
    "all missing": (np.full((N, 3), np.nan), [], "all values are missing"),
    "names": (np.array([["a", "b"]] * N), [], r"x\.npy must be real numbers, got dtype <U1"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit(name, tmp_path, capsys):
    data, words, said = REFUSED[name]
    assert train(tmp_path, data, *words) == 2
    err = capsys.readouterr().err
    assert re.search(said, err), err
    assert "Traceback" not in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("answer", [["--likelihood", "bernoulli_prod"], ["--likelihood", "negative_binomial"]])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_the_answers_to_the_question_work(answer, dtype, tmp_path, capsys):
    table = BYTES.reshape(N, 24).astype(dtype)
    assert train(tmp_path, table) == 2
    assert " ".join(answer) in capsys.readouterr().err
    white = ["--white", "255"] if dtype == np.float32 and answer[1] == "bernoulli_prod" else []
    assert train(tmp_path, table, *answer, *white) == 0
    assert config(tmp_path)["data"]["binarization"] == ("dynamic" if "bernoulli_prod" in answer else "none")


def test_test_rows_that_are_trained_on_are_told_of(tmp_path, caplog):
    assert train(tmp_path, {"train": REALS, "test": REALS[:7]}) == 0
    assert "7 of 7 test rows are in the training set as well" in caplog.text


def test_pictures_that_are_all_but_black_are_told_of(tmp_path, caplog):
    assert train(tmp_path, BYTES % 17) == 0
    assert "the largest value is 16, where 255 is white" in caplog.text
    assert "or give --white" in caplog.text


def test_a_white_that_is_given(tmp_path, caplog):
    assert train(tmp_path, BYTES % 17, "--white", "16") == 0
    assert "is white" not in caplog.text
    assert config(tmp_path)["white"] == 16


@pytest.mark.parametrize(
    ("words", "sizes"),
    [([], [48, 6, 6]), (["--split", "0.5", "0.25", "0.25"], [30, 15, 15]), (["--groups", "who"], [48, 6, 6])],
)
def test_splits(words, sizes, tmp_path):
    table = pandas.DataFrame(REALS).assign(who=np.arange(N) // 3)
    assert train(tmp_path, table, *words, *([] if words[:1] == ["--groups"] else ["--drop", "who"])) == 0
    assert [config(tmp_path)["parts"][part]["images"] for part in ("train", "valid", "test")] == sizes


LABELS = "'what' holds the labels: it is not part of the data, and not used without --conditional"
GROUPS = "'who' holds the groups: it is not part of the data, and data points of one group are in one part"
SEMI_SUPERVISED = ["--bound", "semi_supervised", "--labels", "4"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], {LABELS}),
        (["--groups", "who"], {LABELS, GROUPS}),
        (["--likelihood", "gaussian"], {LABELS}),
        (["--conditional"], set()),
        (["--conditional", "--groups", "who"], {GROUPS}),
        (SEMI_SUPERVISED, set()),
        (["--quiet"], set()),
    ],
)
def test_columns_that_are_no_values_are_told_of(words, told, tmp_path, capsys):
    table = pandas.DataFrame(REALS).assign(who=np.arange(N) // 3, what=np.arange(N) % 2)
    assert train(tmp_path, table, "--label-column", "what", *words) == 0
    out = capsys.readouterr().out
    assert {line for line in (LABELS, GROUPS) if line in out} == told
    assert len(config(tmp_path)["columns"]) == (6 if "--groups" in words else 7)


def test_few_data_points_are_one_batch_where_no_size_is_asked_for(tmp_path):
    np.save(tmp_path / "x.npy", REALS)
    words = ["--data", str(tmp_path / "x.npy"), "--epochs", "2", "--quiet"]
    assert main(["train", *words, "--out", str(tmp_path / "run")]) == 0
    assert config(tmp_path)["asked"]["batch_size"] == 48
    assert main(["train", *words, "--batch-size", "49", "--out", str(tmp_path / "other")]) == 2
