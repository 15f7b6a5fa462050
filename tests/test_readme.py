"""The README is short, its code runs as printed, and its table is true."""

import re

import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers.documents import README, section, snippets

SCRIPT, DEBUGGING = snippets(README)


def test_it_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) < 150


def test_script(tmp_path, monkeypatch, capsys):
    assert len(SCRIPT.code.splitlines()) < 25
    monkeypatch.chdir(tmp_path)
    SCRIPT.run()
    bound = float(re.search(r"test bound: (-\d+\.\d\d) nats per image", capsys.readouterr().out)[1])
    assert bound > -150
    assert {"curves.png", "samples.png", "model.npz"} == {path.name for path in tmp_path.iterdir()}


def test_debugging(monkeypatch):
    stops = []

    def look():
        import inspect

        stops.append(inspect.currentframe().f_back.f_locals["logits"])

    monkeypatch.setattr("builtins.breakpoint", look)
    DEBUGGING.run()
    (logits,) = stops
    assert isinstance(logits, mx.nd.NDArray)
    assert logits.shape == (64, 784)


KINDS = {
    "likelihood": gv.generator.LIKELIHOODS,
    "posterior": gv.inference.POSTERIORS,
    "prior": gv.prior.PRIORS,
    "bound": gv.objectives.BOUNDS,
}


def rows():
    """Part, classes and names of each row of the table."""
    for line in section(README, "What there is").splitlines():
        part, classes, names, *_ = [cell.strip() for cell in line.strip("|").split("|")] + [""] * 3
        if classes.startswith("`gv."):
            yield part, re.findall(r"`gv\.([\w.]+)`", classes), re.findall(r"`(\w+)`", names)


def test_the_table_is_true():
    assert {part for part, *_ in rows()} == {*KINDS, "model", "body"}
    for part, classes, names in rows():
        if part in KINDS:
            assert [KINDS[part][name].__name__ for name in names] == classes
            assert [KINDS[part].canonical(name) for name in names] == names
        elif part == "body":
            kinds = {
                kinds[name].__name__
                for kinds in (gv.networks.ENCODERS, gv.networks.DECODERS)
                for name in names
                if name in kinds
            }
            assert kinds == {name.rpartition(".")[2] for name in classes}


@pytest.mark.parametrize("title", ["Train", "Tests"])
def test_one_command_each(title):
    (commands,) = re.findall(r"```sh\n(.*?)```", section(README, title), re.DOTALL)
    assert len(commands.splitlines()) == 1
