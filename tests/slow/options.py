"""Random words for the command."""

import inspect

import gluonvae as gv
from gluonvae.data import BINARIZATIONS
from gluonvae.networks import ACTIVATIONS, DECODERS, ENCODERS

COUNTS = (*("1", "2", "3", "4", "6") * 4, "-1", "0", "1", "2", "3", "5", "1.5", "x", "", "nan", "1e3")
RATES = (*("1e-3", "0.5", "1", "2") * 3, "-1", "0", "1e-3", "0.5", "2", "1e30", "nan", "inf", "x")
VALUES = (*("1", "2", "0.5", "4") * 5, "0", "1", "2", "3", "-1", "0.5", "1e30", "1e-30", "true", "false", "no", "none", "nan", "inf", "-inf", "many", "",
          "[2]", "[]", "[0]", "exp", "softplus", "stl", "dreg", "closed", "1e999", "{}", "'a'", "(", "10**3")  # fmt: skip
LAYERS = ([], ["3"], ["4", "3"], ["8"], ["5", "5"], ["0"], ["-2"], ["x"])
KINDS = {
    "--likelihood": gv.generator.LIKELIHOODS,
    "--posterior": gv.inference.POSTERIORS,
    "--prior": gv.prior.PRIORS,
    "--bound": gv.objectives.BOUNDS,
    "--inference-body": ENCODERS,
    "--generator-body": DECODERS,
    "--inference-activation": ACTIVATIONS,
    "--generator-activation": ACTIVATIONS,
}
NUMBERS = {
    **dict.fromkeys(["--samples", "--labels", "--epochs", "--batch-size", "--seed"], COUNTS),
    **dict.fromkeys(["--beta", "--learning-rate"], RATES),
}
CHOICES = {
    "--data": (
        "binary.npy",
        "grey.npz",
        "digits",
        "digts",
        ".",
        "nowhere.npy",
        "run/model.params",
        "",
        "run",
        "/",
        "\udcff",
    ),
    "--data-dir": (".", "nowhere", ""),
    "--binarization": (*BINARIZATIONS, "gray"),
    "--anneal": (
        *("beta=linear:0:1:1", "capacity=linear:0:5", "temperature=exponential:1:0.5:2", "gamma=cosine:1:9:0.5"),
        *("learning_rate=linear:0:0.01:1,step:0.01:0.5:1", "beta=cyclical:0:1:1", "betta=linear:0:1:1", "beta"),
        *("beta=linear:0:1:0", "beta=linear:1:-1:1", "beta=linear:0:nan", "beta=step:1:0", "beta=,", ""),
    ),
    "--learning-rate-schedule": ("constant", "cosine"),
    "--from": ("run", "run/config.json", "nowhere", ""),
    "--precision": ("float32", "bfloat16", "float16"),
    "--optimizer": ("adam", "sgd", "rmsprop", "fusedadam", "lbsgd", "adm", "test", ""),
    "--device": ("cpu", "gpu", "gpu:3", "tpu", "cpu:1", ""),
    "--image": ("mean", "mode", "sample", "avg"),
    "--out": (
        "drawn.npy",
        "drawn.png",
        "drawn.svg",
        "drawn.jpg",
        "run",
        "no/such/drawn.npy",
        "",
        "/proc/x.npy",
        "a\udcff.npy",
    ),
}
FLAGS = ("--conditional", "--imperative", "--verbose", "--quiet", "--debugg", "-h", "--version")
SEVERAL = {
    "--latent-size": (["3"], ["4"], ["6"], ["3", "2"], ["0"], ["-1"], ["x"], []),
    "--inference-layers": LAYERS,
    "--generator-layers": LAYERS,
    "--classifier-layers": LAYERS,
    "--shape": (["8", "8"], ["8", "7"], ["4", "4", "4"], ["64"], ["-8", "-8"], ["0"]),
    "--label": (["0"], ["1"], ["3"], ["0", "0", "1"], ["nan"], ["inf"], ["-1"], ["x"]),
}
OF_PARTS = {
    "--likelihood-options": gv.generator.LIKELIHOODS,
    "--posterior-options": gv.inference.POSTERIORS,
    "--prior-options": gv.prior.PRIORS,
    "--bound-options": gv.objectives.BOUNDS,
    "--inference-body-options": ENCODERS,
    "--generator-body-options": DECODERS,
}
COMPANIONS = (
    [],
    [],
    ["--prior", "hierarchical", "--posterior", "ladder", "--latent-size", "3", "2"],
    ["--prior", "codes", "--posterior", "relaxed_bernoulli"],
    ["--prior", "codes", "--posterior", "bernoulli", "--bound", "vimco"],
    ["--prior", "codebook", "--posterior", "vector_quantized", "--posterior-options", "code_size=2", "--bound", "vq"],
    ["--data", "grey.npz", "--bound", "semi_supervised", "--labels", "6"],
    ["--data", "grey.npz", "--conditional", "--prior", "conditional"],
)
"""Parts that go with each other, which random ones seldom do."""


def random_training(rng):
    """Options of ``gluonvae train``, most of them in order."""
    words = ["--data", "binary.npy", "--latent-size", "4", *_one(rng, COMPANIONS)]
    names = [*KINDS, *NUMBERS, *CHOICES, *SEVERAL, *OF_PARTS, "flag"]
    for _ in range(rng.integers(1, 5)):
        words += _option(rng, _one(rng, names), words)
    return words


def random_use(rng, odd):
    """A command that uses the folder "run", with a few options, or with ``odd`` with any."""
    if rng.random() < 0.3:
        return ["train", "--resume", "run", *([_one(rng, FLAGS)] if odd else [])]
    if rng.random() < 0.2:
        words = ["train", "--from", "run", "--epochs", "1", "--batch-size", "10", "--out", "new"]
        names = [name for name in (*NUMBERS, *CHOICES, *SEVERAL) if name != "--out"]
        return [*words, *(_option(rng, _one(rng, names), words) if odd else [])]
    if rng.random() < 0.05:
        return ["runs", *(["nowhere"] if odd else [])]
    command = _one(rng, ["sample", "reconstruct", "evaluate"])
    words = [command, "run", *(["--samples", "3"] if command == "evaluate" else ["-n", "4", "--out", "drawn.npy"])]
    for _ in range(rng.integers(0, 4) if odd else 0):
        name = _one(
            rng,
            [
                "--data",
                "--data-dir",
                "--device",
                "--image",
                "--out",
                "--label",
                "--samples",
                "--seed",
                "flag",
                "-n",
                "--images",
            ],
        )
        words += _option(rng, name, words)
    if odd and rng.random() < 0.1:
        words[1] = _one(rng, ["nowhere", "", ".", "binary.npy", "/", "\udcff", "run/config.json"])
    return words


def _option(rng, name, words):
    if name == "flag":
        return [_one(rng, FLAGS)]
    if name in KINDS:
        return [name, _one(rng, [*KINDS[name], "gausian"])]
    if name in CHOICES:
        return [name, _one(rng, CHOICES[name])]
    if name in SEVERAL:
        return [name, *_one(rng, SEVERAL[name])]
    if name in OF_PARTS:
        return [name, f"{_one(rng, _options_of(name, words))}={_one(rng, VALUES)}"]
    return [name, _one(rng, NUMBERS.get(name, COUNTS))]


def _options_of(name, words):
    """The options of the kind that was asked for, or of any."""
    part, kinds = name[: -len("-options")], OF_PARTS[name]
    given = words[len(words) - 1 - words[::-1].index(part) + 1] if part in words else None
    kind = kinds.get(given) or next(iter(kinds.values()))
    taken = {"vae", "data_dims", "latent_variable_size", "layer_sizes", "act_type", "shape", "dataset_size"}
    return [*sorted(inspect.signature(kind).parameters.keys() - taken), "nonsense"]


def _one(rng, values):
    return list(values)[rng.integers(len(values))]
