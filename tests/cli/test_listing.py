"""What ``gluonvae list`` tells is what the registries, the signatures and the docstrings have."""

import inspect
import re

import pytest

import gluonvae as gv
from gluonvae import data
from gluonvae.cli.catalogue import catalogue, typed
from gluonvae.cli.kinds import key_and_value
from gluonvae.cli.main import main
from gluonvae.networks import ACTIVATIONS, DECODERS, ENCODERS
from gluonvae.registry import Registry

KINDS = catalogue()
REGISTRIES = {
    "likelihoods": gv.generator.LIKELIHOODS,
    "posteriors": gv.inference.POSTERIORS,
    "priors": gv.prior.PRIORS,
    "bounds": gv.objectives.BOUNDS,
    "inference-bodies": ENCODERS,
    "generator-bodies": DECODERS,
}
ENTRIES = [(kind, name) for kind, registry in REGISTRIES.items() for name in registry]


@pytest.fixture
def listed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words):
        assert main(["list", *words]) == 0
        return capsys.readouterr().out

    return run


def test_all_names_are_listed(listed):
    text = re.sub(r"\s+", " ", listed())
    names = [*(name for _, name in ENTRIES), *ACTIVATIONS, *data.NAMES, "adam", "rmsprop", "linear", "cyclical"]
    assert all(re.search(rf"\b{name}\b", text) for name in names)
    assert "--posterior" in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_tells_of_each_in_short(kind, listed):
    text = listed(kind)
    assert text.startswith(f"{kind}, chosen by --")
    assert re.findall(r"^\w+$", text, re.MULTILINE) == list(KINDS[kind].entries)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_options_are_those_of_the_class(kind, name):
    """Each is an argument of the class, with its default as the command would read it; nothing is left out that a
    model does not get in another way."""
    entry, takes = KINDS[kind].entries[name], inspect.signature(REGISTRIES[kind][name]).parameters
    assert entry.text
    for option in entry.options:
        default = takes[option.name].default
        if default is inspect.Parameter.empty:
            assert option.default == "?"
            continue
        _, read = key_and_value(f"{option.name}={option.default}")
        assert read == (list(default) if isinstance(default, tuple) else default)
        assert option.text
    elsewhere = {"vae", "dataset_size", "data_dims", "latent_variable_size", "shape", "in_units", "prefix"}
    elsewhere |= set() if kind in ("priors", "bounds") else {"layer_sizes", "act_type"}
    assert {option.name for option in entry.options} == takes.keys() - elsewhere


def test_nothing_of_the_markup_is_left():
    for kind in KINDS.values():
        for entry in kind.entries.values():
            text = "\n".join([entry.text, *(option.text for option in entry.options)])
            assert not re.search(r":(class|data|func|meth|mod):|``", text)
            assert not re.search(r"\.\.$", entry.text.replace("...", ""))


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["iwae"], ["--bound iwae (gluonvae.IWAE", "Burda, Grosse and Salakhutdinov 2016, equation 8", "samples=50"]),
        (
            ["bound", "elbo"],
            ["beta=1 (finite number, not negative, may change: --anneal beta=...)", "kl=none (closed or"],
        ),
        (["ciwae"], ["beta=0.5 (finite number from 0 to 1"]),
        (["relaxed-bernoulli"], ["temperature=0.5 (positive number", "straight_through=false (true or false)"]),
        (
            ["posteriors"],
            ["Rezende and Mohamed 2015", "std=softplus (softplus or exp)", "each takes\n    shared_layers="],
        ),
        (["bounds"], ["Kingma and Welling 2014; Higgins et al. 2017", "van den Oord, Vinyals and Kavukcuoglu 2017"]),
        (["likelihoods"], ["Data: 0 or 1 everywhere.", "categories=... (needed, a whole number)"]),
        (["spline"], ["bins=8", "K, the number of bins of a spline", "limit=5 "]),
        (["semi_supervised"], ["β, not negative. It may be set at any time"]),
        (["gaussian"], ["--likelihood gaussian", "--posterior gaussian"]),
        (["prior", "realNVP"], ["--prior real_nvp (gluonvae.FlowPrior in Python)"]),
        (["bodies"], ["inference-bodies, chosen by --inference-body", "generator-bodies", "upsampling=transposed"]),
        (["schedules"], ["linear:START:END[:EPOCHS]", "Fu et al. 2019"]),
        (["mnist"], ["LeCun", "Licence:"]),
        (["digits"], ["4,000 training"]),
        (["optimizers"], ["adam", "RMSProp"]),
    ],
)
def test_what_is_told(words, parts, listed):
    text = re.sub(r"\n +", " ", listed(*words)) if words != ["posteriors"] else listed(*words)
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["boud"], "there is nothing called 'boud'; did you mean 'bound'?"),
        (["iwea"], "did you mean 'iwae'?"),
        (["#"], "there is nothing called '#' (gluonvae list has all names)"),
        (["priors", "iwae"], "iwae is none of the priors: gluonvae list iwae tells what it is"),
    ],
)
def test_what_is_not_there(words, message, capsys):
    assert main(["list", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "none"), (True, "true"), (0.5, "0.5"), (1000.0, "1000"), (5, "5"), ((100, 50), "[100,50]"), ("exp", "exp")],
)
def test_values_as_they_are_typed(value, text):
    assert typed(value) == text


def test_a_part_of_a_users_own_is_listed(listed, monkeypatch):
    """One source of truth: what is registered appears, with what its docstring says."""

    class Mine(gv.prior.Prior):
        """A prior of mine (Author and Other 2024).

        Parameters
        ----------
        latent_variable_size : int
            See :class:`gluonvae.Prior`.
        width : {"wide", "narrow"}
            How wide it is.
        """

        def __init__(self, latent_variable_size: int = 0, width: str = "wide") -> None: ...

    registry = Registry("prior")
    registry.update({"mine": Mine})
    monkeypatch.setattr("gluonvae.cli.catalogue.PRIORS", registry)
    text = listed("mine")
    assert "A prior of mine (Author and Other 2024)." in text
    assert "width=wide (wide or narrow)\n        How wide it is." in text
