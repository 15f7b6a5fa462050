"""The guide's code runs, its commands exist, its links lead somewhere, and the API reference has everything."""

import re
import sys

import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.launch import split
from gluonvae.cli.main import parser
from tests.helpers.documents import GUIDE, README, ROOT, commands, snippets

DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "docs" / "index.md", *GUIDE]


def bound_above(value, bound="bound"):
    """That what a snippet trained is better than a value, on the images that it did not train on."""
    return lambda names, out: gv.evaluate(names[bound], gv.data.load("digits").test).bound > value


def likelihood_above(value):
    return lambda names, out: float(re.search(r"log-likelihood: (-\d+\.\d\d) nats per image", out)[1]) > value


def layers_and_codes(names, out):
    # a generator that ignores its latent state has about -206
    bounds = (gv.ELBO(names["layers"]), names["bound"])
    assert all(gv.evaluate(bound, names["test"]).bound > -175 for bound in bounds)
    assert names["codes"].inference_net.family.temperature < 1
    return "KL of each layer: [" in out


def imputed_well(names, out):
    # exact expected values are off by 0.491, and the means of the columns by 1.28
    error = float(re.search(r"error of imputed values: ([\d.]+)", out)[1])
    return names["draws"].shape == (20, 5, 8) and 0.45 < error < 0.55


def accuracy_above(value):
    return lambda names, out: float(re.search(r"accuracy.*: (0\.\d+)", out)[1]) > value


# what is to be true of the names and the output of those that run as printed; of others an epoch is enough
AS_PRINTED = {
    "training_loop 0": lambda names, out: names["loss"].shape == (100,) and bound_above(-230)(names, out),
    "mix_and_match 0": likelihood_above(-150),
    "labels 0": lambda names, out: gv.evaluate(names["bound"], names["test"]).bound > -160,
    "latent_structure 0": layers_and_codes,
    "images 0": bound_above(-230),
    "missing 0": imputed_well,
    "sklearn 0": accuracy_above(0.85),
    "sklearn 2": accuracy_above(0.85),
}
# what is true of those that train long, after an epoch
AFTER_AN_EPOCH = {"mix_and_match 0": likelihood_above(-215)}
SNIPPETS = [snippet for page in GUIDE for snippet in snippets(page)]


def test_what_runs_as_printed_is_there():
    assert set(AFTER_AN_EPOCH) <= set(AS_PRINTED) <= set(map(str, SNIPPETS))


@pytest.mark.parametrize("snippet", SNIPPETS, ids=str)
def test_snippet(snippet, in_full, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.breakpoint", lambda: None)
    shortened = {} if in_full else AFTER_AN_EPOCH
    holds = {**AS_PRINTED, **shortened}.get(str(snippet))
    names = snippet.run(epochs=None if holds and str(snippet) not in shortened else 1)
    assert holds is None or holds(names, capsys.readouterr().out)


def test_a_breakpoint_stops_once_more_while_the_graph_is_traced(monkeypatch):
    stops = []

    def look():
        import inspect

        stops.append(inspect.currentframe().f_back.f_locals["logits"])

    monkeypatch.setattr("sys.breakpointhook", look)
    snippets(ROOT / "docs" / "guide" / "debugging.md")[0].run()
    assert [type(logits) for logits in stops] == [mx.nd.NDArray, mx.sym.Symbol]
    assert stops[0].shape == (64, 784)


COMMANDS = [(path.stem, command) for path in (README, *GUIDE) for command in commands(path)]


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=[f"{page}: {' '.join(c)}" for page, c in COMMANDS])
def test_command(page, command):
    for words in split([word for word in command if word not in ("--help", "--help-all")]):
        if words and words[0] != "python":
            parser().parse_args(words)


def test_the_command_that_mixes_and_matches():
    (asked,) = (
        parser().parse_args(command)
        for page, command in COMMANDS
        if page == "mix_and_match" and {"--posterior", "--prior", "--bound"} <= set(command)
    )
    assert (asked.posterior, asked.prior, asked.bound) == ("real_nvp", "mixture", "iwae")


def anchors(path):
    """What the headings of a document are linked by."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", text):
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), anchor


def test_the_pictures_of_the_guide_are_those_that_its_code_writes():
    page, folder = ROOT / "docs" / "guide" / "pictures.md", ROOT / "docs" / "pictures"
    text = page.read_text(encoding="utf-8")
    written = {name for snippet in snippets(page) for name in re.findall(r'"(\w+\.png)"', snippet.code)}
    assert (
        written == set(re.findall(r"!\[.*\]\(\.\./pictures/(.*)\)", text)) == {path.name for path in folder.iterdir()}
    )
    assert max(path.stat().st_size for path in folder.iterdir()) < 100_000


def has(thing, name):
    for part in name.split("."):
        if not hasattr(thing, part):
            return False
        thing = getattr(thing, part)
    return True


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_name_exists(path):
    text = path.read_text(encoding="utf-8")
    models = [gv.construct_vae(), gv.construct_vae("relaxed_bernoulli", prior="codes"), gv.construct_vae(label_size=2)]
    kinds = {"gv": [gv], "vae": models, "bound": [gv.ELBO(models[0]), gv.CapacityELBO(models[0])]}
    for kind, things in kinds.items():
        for name in set(re.findall(rf"`{kind}\.([a-zA-Z_.]+)", text)) - {"train"}:
            assert any(has(thing, name) for thing in things), f"{kind}.{name}"


def test_the_reference_has_every_kind(tmp_path, monkeypatch):
    """Its pages are made from the packages: a class that is found by name is in a table, and has a page."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    monkeypatch.delitem(sys.modules, "pages", raising=False)
    import pages

    pages.write_pages(tmp_path)
    rooms = {"generator": "LIKELIHOODS", "inference": "POSTERIORS", "prior": "PRIORS", "objectives": "BOUNDS"}
    for room, registry in rooms.items():
        page = (tmp_path / f"{room}.rst").read_text(encoding="utf-8")
        for name, kind in getattr(getattr(gv, room), registry).items():
            assert f":class:`~gluonvae.{kind.__name__}`\n     - ``{name}``\n" in page, name
            assert f"autoclass:: gluonvae.{kind.__name__}\n" in (tmp_path / f"gluonvae.{kind.__name__}.rst").read_text()


def test_the_reference_has_every_public_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    monkeypatch.delitem(sys.modules, "pages", raising=False)
    import pages

    pages.write_pages(tmp_path)
    titled = {path.stem for path in tmp_path.iterdir()}
    for name in gv.__all__:
        thing = getattr(gv, name)
        if isinstance(thing, type) or callable(thing):
            assert f"gluonvae.{name}" in titled
        elif type(thing).__name__ == "module":
            assert name in titled
