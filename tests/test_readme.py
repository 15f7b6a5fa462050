"""The README's code runs as printed."""

import re
from pathlib import Path

import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import parser

README = Path(__file__).parent.parent / "README.md"


def block(section, number=0):
    text = README.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)[number]


def test_script(tmp_path, monkeypatch, capsys):
    code = block("Use it in a script")
    assert len(code.splitlines()) < 25
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    bound = float(re.search(r"test bound: (-\d+\.\d\d) nats per image", capsys.readouterr().out)[1])
    assert bound > -150
    assert {"curves.png", "samples.png"} == {path.name for path in tmp_path.iterdir()}


def test_own_loop():
    names = {}
    exec(compile(block("Use it in a script", 1), "README.md", "exec"), names)
    assert names["loss"].shape == (100,)
    assert gv.evaluate(names["bound"], gv.data.load("digits").valid).bound > -230


def test_mix_and_match(capsys):
    exec(compile(block("Mix and match"), "README.md", "exec"), {})
    likelihood = float(re.search(r"log-likelihood: (-\d+\.\d\d) nats per image", capsys.readouterr().out)[1])
    assert likelihood > -150


def test_the_command_that_mixes_and_matches():
    text = README.read_text(encoding="utf-8")
    arguments = re.search(r"`gluonvae (train --posterior [^`]+)`", text)[1].split()
    asked = parser().parse_args(arguments)
    assert (asked.posterior, asked.prior, asked.bound) == ("realNVP", "mixture", "iwae")


def test_the_table_has_every_kind():
    text = README.read_text(encoding="utf-8").split("\n## Mix and match\n")[1].split("\n## ")[0]
    for kinds in (gv.generator.LIKELIHOODS, gv.inference.POSTERIORS, gv.prior.PRIORS, gv.objectives.BOUNDS):
        for name, kind in kinds.items():
            assert re.search(rf"`gv\.{kind.__name__}`.*`{name}`", text), name


BEYOND = "Labels, codes, layers, images"


def test_labels(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(block(BEYOND), "README.md", "exec"), names)
    assert gv.evaluate(names["bound"], names["test"]).bound > -160
    assert (tmp_path / "labels.png").is_file()


def test_layers_and_codes(capsys):
    names = {}
    exec(compile(block(BEYOND, 1), "README.md", "exec"), names)
    assert "KL of each layer: [" in capsys.readouterr().out
    # a generator that overlooks its latent state has about -206
    for bound in (gv.ELBO(names["layers"]), names["bound"]):
        assert gv.evaluate(bound, names["test"]).bound > -175
    assert names["codes"].inference_net.temperature < 1


def test_own_block():
    names = {}
    exec(compile(block(BEYOND, 2), "README.md", "exec"), names)
    assert gv.evaluate(names["bound"], names["test"]).bound > -230


def test_commands():
    text = README.read_text(encoding="utf-8").split(f"\n## {BEYOND}\n")[1].split("\n## ")[0]
    commands = re.findall(r"`(?:gluonvae )?((?:train|sample|--posterior) [^`]+)`", text)
    assert len(commands) == 7
    for command in commands:
        words = command.split()
        parser().parse_args(["train", *words] if words[0].startswith("--") else words)


def test_debugging(monkeypatch):
    stops = []

    def look():
        import inspect

        stops.append(inspect.currentframe().f_back.f_locals["logits"])

    monkeypatch.setattr("builtins.breakpoint", look)
    exec(compile(block("Debug it"), "README.md", "exec"), {"__name__": "readme"})
    assert [type(logits) for logits in stops] == [mx.nd.NDArray, mx.sym.Symbol]
    assert stops[0].shape == (64, 784)


@pytest.mark.parametrize("section", ["Train", "Tests"])
def test_one_command_each(section):
    text = README.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    (commands,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    assert len(commands.splitlines()) == 1


def test_every_name_in_the_tables_exists():
    text = README.read_text(encoding="utf-8")
    for name in set(re.findall(r"`gv\.([a-zA-Z_.]+)", text)):
        thing = gv
        for part in name.split("."):
            thing = getattr(thing, part)
    vae = gv.construct_vae()
    for name in set(re.findall(r"`vae\.([a-z_.]+)\(", text)) - {"train"}:
        thing = vae
        for part in name.split("."):
            thing = getattr(thing, part)
