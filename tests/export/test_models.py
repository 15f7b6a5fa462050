"""Every kind of every part of a model, exported: onnxruntime and Gluon compute what the model does."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae import export
from gluonvae.backend.structures import leaves, rebuild
from tests.helpers import nd
from tests.helpers.exports import RUNTIMES, TOLERANCE, arrays_for, sizes
from tests.helpers.missing import with_holes
from tests.tables import bodies, parts

X = parts.SHAPE[0] * parts.SHAPE[1]
BATCHES = (1, 7)
MODELS = {**parts.MODELS, "conditional prior": {"prior": "conditional", "labels": "conditional"}}


def model(options):
    """A model of a row, and what makes data for it."""
    vae, row = parts.model(**options), parts.LIKELIHOODS[options.get("likelihood", "bernoulli_prod")]

    def data(rng, batch):
        return with_holes(rng, row.data(rng, batch, vae.data_dims), 0.3 if vae.generator.missing else 0)

    return vae, data


def label(rng, vae, batch):
    """Known labels, one-hot, of a model that takes them."""
    size = vae.label_size
    return {"label": np.eye(size, dtype=np.float32)[rng.integers(0, size, batch)]} if size else {}


def expected(part, of, arrays):
    """What the model computes, by the names of the outputs; for parameters it has the order alone, as a list."""
    vae = of.vae if isinstance(of, gv.Objective) else of
    given = {name: nd(array) for name, array in arrays.items()}
    data, latent, labels = given.get("data"), given.get("latent"), [given[name] for name in given if name == "label"]
    noise = [of for name, of in given.items() if name.startswith("noise")]
    if part == "prior":
        p = vae.prior_distribution(next(iter(given.values())), *labels)
        return {"latent": p.sample(rebuild(vae.prior.noise, noise))}
    if part == "classifier":
        return {"probabilities": vae.classify(data)}
    if part == "decoder":
        generator_latent = vae.prior.generator_latent(latent)
        return {"": vae.generator(generator_latent, *labels), "reconstruction": vae.likelihood(latent, *labels).mean}
    if part == "bound":
        return of.terms(data, rebuild(of.noise, noise or [nd(np.zeros((len(data), 1)))]), *labels)._asdict()
    noise = noise[0] if noise else nd(np.zeros((len(data), 1)))
    if part == "encoder":
        draws = bool(vae.inference_net.family.not_in_parameters)
        q = vae.posterior(data, *labels)
        return {"latent": q.sample(noise)} if draws else {"": vae.inference_net(data, *labels)}
    z = vae.posterior(data, *labels).rsample(noise)
    terms = vae(data, noise, *labels)
    reconstruction = vae.likelihood(z, *labels).given(data).mean
    return {"latent": z, "reconstruction": reconstruction, **dict(zip(("log_likelihood", "kl"), terms))}


def assert_exported(of, data, rng, folder, only=None):
    """Each part of a model, or of a bound over it, in each runtime and for several batches."""
    vae = of.vae if isinstance(of, gv.Objective) else of
    vae(nd(data(rng, 2)), None, label(rng, vae, 2).get("label"))  # bodies take their sizes from the first call
    for part, make in export.parts(of).items():
        if only not in (None, part):
            continue
        graph = make()
        runs = [runtime(graph, folder) for runtime in RUNTIMES.values()]
        for batch in BATCHES:
            arrays = arrays_for(rng, graph, batch, data=data(rng, batch), **label(rng, vae, batch))
            wanted = expected(part, of, arrays)
            for run in runs:
                got = run(**arrays)
                assert {name: values.shape for name, values in got.items()} == {
                    name: sizes(shape, batch) for name, shape in graph.outputs.items()
                }
                named = [values for name, values in got.items() if name not in wanted]
                for name, values in wanted.items():
                    pairs = [(got[name], values)] if name else zip(named, leaves(_tuple(values)))
                    for one, want in pairs:
                        np.testing.assert_allclose(one, want.asnumpy(), **TOLERANCE, err_msg=f"{part} {name}")


def _tuple(values):
    return tuple(values) if isinstance(values, (list, tuple)) else (values,)


@pytest.mark.parametrize("name", MODELS)
def test_parts(name, rng, tmp_path):
    vae, data = model(MODELS[name])
    assert_exported(vae, data, rng, tmp_path)


@pytest.mark.parametrize("name", [*bodies.BODIES, *bodies.DEEP])
def test_bodies(name, rng, tmp_path):
    vae = bodies.make(name)
    assert_exported(vae, lambda rng, batch: rng.integers(0, 2, (batch, bodies.size(name))), rng, tmp_path)


@pytest.mark.parametrize("name", parts.ALL_BOUNDS)
def test_bounds(name, rng, tmp_path):
    make = parts.ALL_BOUNDS[name]
    of_one = {
        "VQELBO": {"posterior": "vector_quantized", "prior": "codebook"},
        "SemiSupervisedELBO": {"labels": "semi-supervised"},
        "ObservedIWAE": {"values": "missing values"},
    }
    fits = getattr(make, "fits", lambda *_: True)
    posterior = next(q for q, p in parts.FIRST_FITTING.items() if fits(q, p))
    options = of_one.get(name, {"posterior": posterior, "prior": parts.FIRST_FITTING[posterior]})
    vae, data = model(options)
    assert_exported(make(vae), data, rng, tmp_path, only="bound")


@pytest.mark.parametrize("name", [q for q in parts.POSTERIORS if q not in (*parts.EXACT_CODES, "vector_quantized")])
def test_bounds_that_score_any_latent_state(name, rng, tmp_path):
    """Sticking the landing inverts the posterior's transformation."""
    vae, data = model({"posterior": name, "prior": parts.FIRST_FITTING[name]})
    assert_exported(gv.IWAE(vae, samples=3, gradient="stl"), data, rng, tmp_path, only="bound")
