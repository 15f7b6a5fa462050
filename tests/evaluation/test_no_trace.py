"""What looks at a model leaves it, and all that is drawn and computed later, as it was."""

import inspect
import warnings
from contextlib import nullcontext

import numpy as np
import pytest

import gluonvae as gv
from gluonvae import evaluation
from gluonvae.backend.runtime import mx
from gluonvae.noise import NoiseSource
from gluonvae.objectives import base
from tests.helpers import learned, nd, noise_for, set_mode, small_vae
from tests.tables import bodies
from tests.truths import codebook

ROWS = 5
MODES = ("imperative", "static_shape")


def semi_supervised():
    vae = gv.SemiSupervisedVAE(
        gv.ProductOfBernoullisGenerator(12, [5]), gv.GaussianInferenceNetwork(4, [6]), label_size=3
    )
    vae.initialize()
    return vae


# name: makes a bound over its model
MODELS = {
    "batch norm": lambda: gv.ELBO(bodies.make("conv, batch norm")),
    "samples": lambda: gv.IWAE(small_vae(prior="mixture", prior_options={"components": 3}), 3, gradient="dreg"),
    "shared networks": lambda: gv.ELBO(
        small_vae(latent_type="ladder", prior="hierarchical", latent_variable_size=[4, 3])
    ),
    "moving averages": lambda: gv.VQELBO(codebook.small(dtype="float32")),
    "classifier": lambda: gv.SemiSupervisedELBO(semi_supervised()),
    "missing values": lambda: gv.ELBO(small_vae(likelihood_options={"missing": True})),
}
PLAIN = ("batch norm", "samples", "shared networks", "missing values")


class Case:
    """A bound, data and noise for it."""

    def __init__(self, name, mode):
        self.bound, rng = MODELS[name](), np.random.default_rng(3)
        self.vae = self.bound.vae
        labels = np.array([0, -1, 2, 1, -1]) if self.vae.label_size else None
        images = rng.integers(0, 2, (ROWS, self.vae.data_dims)).astype(np.float32)
        if self.vae.generator.missing:
            images[:, ::3] = np.nan
        self.dataset = gv.data.Dataset(images, labels=labels, binarization="none")
        self.data, self.label = nd(images), labels
        self.noise = noise_for(rng, self.bound, ROWS)
        self.bound(self.data, self.noise, self.label)
        set_mode(self.bound, mode)

    def results(self):
        """Terms and gradients of a step of training, whose own changes are undone."""
        before = [(p, p.data().copy()) for p in self.bound.collect_params().values()]
        with mx.autograd.record():
            terms = self.bound.terms(self.data, self.noise, self.label)
        terms.objective.backward()
        arrays = [x.asnumpy() for x in (*terms, *(p.grad() for p in learned(self.bound)))]
        for parameter, values in before:
            parameter.set_data(values)
        return arrays

    def state(self):
        """All that a call might change, as what can be compared."""
        blocks = []
        self.bound.apply(blocks.append)
        return {
            "hybridised": [(block.name, block._active, block._flags) for block in blocks],
            "precision": [getattr(block, "precision", None) for block in blocks],
            "parameters": [
                (
                    p.name,
                    p.grad_req,
                    p.dtype,
                    p.data().asnumpy().tobytes(),
                    p.grad_req == "null" or p.grad().asnumpy().tobytes(),
                )
                for p in self.bound.collect_params().values()
            ],
            "noise": gv.noise.source.state(),
            "numpy": np.random.get_state()[1].tobytes(),
            "mode": (mx.autograd.is_recording(), mx.autograd.is_training()),
            "warnings": list(warnings.filters),
            "data": self.dataset.pixels.tobytes(),
        }


def _noise(case, spec, leading):
    return NoiseSource(1).draw(spec, leading)


# name: (a call, the models that it is for)
EVALUATIONS = {
    "evaluate": (lambda case: gv.evaluate(case.bound, case.dataset, batch_size=2), MODELS),
    "evaluate, another bound": (lambda case: gv.evaluate(gv.IWAE(case.vae, samples=2), case.dataset), PLAIN),
    "log_marginal_likelihood": (lambda case: gv.log_marginal_likelihood(case.vae, case.dataset, samples=7), PLAIN),
    "impute": (lambda case: gv.impute(case.vae, case.dataset, samples=7), ("missing values",)),
    "impute, draws": (lambda case: gv.impute(case.vae, case.dataset, samples=7, draws=3), ("missing values",)),
    "kl_by_layer": (lambda case: gv.kl_by_layer(case.vae, case.dataset), ("shared networks",)),
    "kl_by_dimension": (lambda case: gv.kl_by_dimension(case.vae, case.dataset), ("batch norm", "missing values")),
    "perplexity": (lambda case: gv.perplexity(case.vae, case.dataset), ("moving averages",)),
    "accuracy": (lambda case: gv.accuracy(case.vae, case.dataset), ("classifier",)),
}
OTHERS = {
    "summary": (lambda case: gv.summary(case.bound), MODELS),
    "summary of the model": (lambda case: gv.summary(case.vae), PLAIN),
    "phantasize": (
        lambda case: case.vae.phantasize(
            3, "mean", _noise(case, case.vae.prior.noise, (3,)), label=[0, 1, 2] if case.vae.label_size else None
        ),
        MODELS,
    ),
    "generate_reconstructions": (
        lambda case: case.vae.generate_reconstructions(
            case.data, 2, "mode", _noise(case, case.vae.inference_net.noise, (2, ROWS)), case.label
        ),
        MODELS,
    ),
    "the model": (
        lambda case: case.vae(case.data, _noise(case, case.vae.inference_net.noise, (ROWS,)), case.label),
        MODELS,
    ),
    "the inference network": (lambda case: case.vae.inference_net(case.data), PLAIN),
    "classify": (lambda case: case.vae.classify(case.data), ("classifier",)),
    "draw_noise": (lambda case: case.bound.draw_noise(3, NoiseSource(2)), MODELS),
    "bound": (lambda case: case.bound.terms(case.data, case.noise, case.label), MODELS),
    "another bound": (lambda case: gv.IWAE(case.vae, samples=3)(case.data, _of_three(case)), PLAIN),
    "precision for a while": (lambda case: _in_float32(case), MODELS),
    "data of a wrong shape": (lambda case: _refused(lambda: case.bound(case.data[:, :3])), MODELS),
    "data that is no image": (lambda case: _refused(lambda: gv.evaluate(case.bound, np.full((2, 12), np.inf))), MODELS),
}


def _of_three(case):
    return _noise(case, case.vae.inference_net.noise, (3, ROWS))


def _in_float32(case):
    with case.bound.in_precision("float32"):
        case.bound(case.data, case.noise, case.label)


def _refused(call):
    with pytest.raises(ValueError, match=r"must|has inf"):
        call()


def calls_for(table, model):
    return {name: call for name, (call, models) in table.items() if model in models}


def assert_no_trace(name, call, case, scope):
    before, state = case.results(), case.state()
    mx.random.seed(5)
    with scope:
        call(case)
    drawn = mx.nd.random.uniform(shape=3).asnumpy()
    assert case.state() == state, name
    mx.random.seed(5)
    np.testing.assert_array_equal(drawn, mx.nd.random.uniform(shape=3).asnumpy())
    for got, want in zip(case.results(), before):
        np.testing.assert_array_equal(got, want, name)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("model", MODELS)
def test_an_estimate_leaves_no_trace_even_where_its_caller_records(model, mode):
    case = Case(model, mode)
    for name, call in calls_for(EVALUATIONS, model).items():
        for scope in (nullcontext(), mx.autograd.record(), mx.autograd.train_mode()):
            assert_no_trace(name, call, case, scope)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("model", MODELS)
def test_a_call_leaves_no_trace(model, mode):
    case = Case(model, mode)
    for name, call in calls_for(OTHERS, model).items():
        assert_no_trace(name, call, case, nullcontext())


def test_every_estimate_is_in_the_table():
    functions = {name for name in evaluation.__all__ if inspect.isfunction(getattr(evaluation, name))}
    assert functions == {name.split(",")[0] for name in EVALUATIONS}


@pytest.mark.parametrize("call", ["evaluate", "log_marginal_likelihood"])
def test_an_estimate_is_the_same_where_its_caller_records(call):
    function, case = EVALUATIONS[call][0], Case("batch norm", "imperative")
    wanted = function(case)
    with mx.autograd.record():
        np.testing.assert_equal(function(case), wanted)


def test_bounds_over_a_model_leave_each_other_as_they_are(monkeypatch):
    case = Case("samples", "imperative")
    before, state = case.results(), case.state()
    for make in (gv.ELBO, lambda vae: gv.NVIL(vae, samples=2), lambda vae: gv.IWAE(vae, samples=4)):
        other = make(case.vae)
        with monkeypatch.context() as patch:
            patch.setattr(base, "FLOATS_AT_ONCE", ROWS * 12 * 3)
            other(case.data, noise_for(np.random.default_rng(1), other, ROWS))
    assert case.state() == state
    for got, want in zip(case.results(), before):
        np.testing.assert_array_equal(got, want)
