"""With ``grad_req`` "add", the gradients of several backward passes add up, for every parameter of every kind."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend import operators as ops
from gluonvae.backend.runtime import mx
from tests.helpers import MODES, Wrapped, learned, nd, noise_for, set_mode, small_vae
from tests.tables import parts
from tests.tables.parts import BOUNDS, CLASSES

X = parts.SHAPE[0] * parts.SHAPE[1]
ELBO = BOUNDS["ELBO"]
PRIOR_OF = {
    posterior: next(p for p in parts.PRIORS if parts.prior_fits(posterior, p)) for posterior in parts.POSTERIORS
}


def _posterior_for(prior):
    return next(posterior for posterior in parts.POSTERIORS if parts.prior_fits(posterior, prior))


def _bound_of(posterior, prior):
    return next(make for name, make in BOUNDS.items() if parts.bound_fits(name, posterior, prior))


def _with_fitting_bound(posterior, prior, **others):
    return _bound_of(posterior, prior)(parts.model(posterior=posterior, prior=prior, **others))


def _of_bound(name):
    fits = ((q, p) for q in parts.POSTERIORS for p in parts.PRIORS if parts.prior_fits(q, p))
    posterior, prior = next(pair for pair in fits if parts.bound_fits(name, *pair))
    labels = "semi-supervised" if name == "SemiSupervisedELBO" else "without labels"
    values = "missing values" if name == "ObservedIWAE" else "all values"
    return BOUNDS[name](parts.model(posterior=posterior, prior=prior, labels=labels, values=values))


# name: makes a bound over a model with that part; the name of the likelihood comes first where it is one
KINDS = {
    **{f"{name}, likelihood": lambda name=name: ELBO(parts.model(name)) for name in parts.LIKELIHOODS},
    **{
        f"{name}, posterior": lambda q=name: _with_fitting_bound(q, PRIOR_OF[q])
        for name in parts.POSTERIORS
    },
    **{
        f"{name}, prior": lambda p=name: _with_fitting_bound(
            _posterior_for(p), p, labels="conditional" if p == "conditional" else "without labels"
        )
        for name in parts.PRIORS
    },
    **{f"{name}, body": lambda name=name: ELBO(parts.model(body=name)) for name in parts.BODIES},
    **{f"{name}, labels": lambda name=name: ELBO(parts.model(labels=name)) for name in parts.LABELS},
    **{f"{name}, bound": lambda name=name: _of_bound(name) for name in BOUNDS},
    **{
        f"{name}, activation": lambda name=name: gv.ELBO(
            small_vae(generator_act_type=name, infer_act_type=name, data_dims=X)
        )
        for name in gv.networks.ACTIVATIONS
    },
}  # fmt: skip


def _inputs(name, bound, rng, batch):
    row = parts.LIKELIHOODS.get(name.removesuffix(", likelihood"), parts.LIKELIHOODS["bernoulli_prod"])
    label = [np.eye(CLASSES)[rng.integers(0, CLASSES, batch)]] if bound.vae.label_size else []
    return nd(row.data(rng, batch, X)), noise_for(rng, bound, batch), *map(nd, label)


def _gradients(bound, parameters, batches):
    """What the backward passes over some batches leave as gradients."""
    for parameter in parameters:
        parameter.zero_grad()
    for batch in batches:
        with mx.autograd.record():
            total = bound(*batch).sum()
        total.backward()
    return [parameter.grad().asnumpy() for parameter in parameters]


def _assert_close(got, want, parameters):
    for one, other, parameter in zip(got, want, parameters):
        scale = max(1e-3, abs(other).max())
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * scale, err_msg=parameter.name)


@pytest.mark.parametrize("name", KINDS)
def test_two_passes_add_up(name, rng):
    bound = KINDS[name]()
    batch, other = _inputs(name, bound, rng, 4), _inputs(name, bound, rng, 3)
    bound(*batch)
    parameters = learned(bound)
    for mode in ("imperative", "static_alloc"):
        set_mode(bound, mode)
        for parameter in parameters:
            parameter.grad_req = "write"
        alone = [_gradients(bound, parameters, [inputs]) for inputs in (batch, other)]
        for parameter in parameters:
            parameter.grad_req = "add"
        set_mode(bound, mode)
        _assert_close(_gradients(bound, parameters, [batch]), alone[0], parameters)
        _assert_close(_gradients(bound, parameters, [batch, other]), [a + b for a, b in zip(*alone)], parameters)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda x: ops.clip(x, -1, 1), lambda x: (abs(x) <= 1).astype(float)),
        (lambda x: ops.cumsum(x, axis=1), lambda x: np.tile(np.arange(x.shape[1], 0, -1), (len(x), 1))),
    ],
    ids=["clip", "cumsum"],
)
def test_operators_that_overwrite_gradients_in_mxnet(function, slope, mode):
    x = np.array([[-3, -0.5, 0.2, 7], [0.9, -0.9, 1.1, 0]])
    block, given = Wrapped(function), nd(x)
    given.attach_grad("add")
    set_mode(block, mode)
    for times in (1, 2, 3):
        with mx.autograd.record():
            total = block(given).sum()
        total.backward()
        np.testing.assert_allclose(given.grad.asnumpy(), times * slope(x))
