"""Graphs that are one program are called without MXNet's executor, with the values and gradients of imperative calls."""

import copy
import gc
import pickle

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend import compiled
from gluonvae.backend.graphs import GraphBlock
from gluonvae.backend.regions import direct
from gluonvae.backend.regions.availability import why_no_products
from gluonvae.backend.runtime import mx
from tests.backend.regions.graphs import gradients, make_inputs, resident
from tests.helpers import assert_same, draw, learned, nd, nd64, numbers, pixels, set_mode, small_vae

pytestmark = pytest.mark.skipif(why_no_products() is not None, reason=f"matrix products: {why_no_products()}")


@pytest.fixture
def calls(monkeypatch):
    """The calls that went around the executor, by how many inputs they had."""
    found, run = [], direct._Call.run

    def counted(call, handles, *how):
        made = run(call, handles, *how)
        if made is not None:
            found.append(len(handles))
        return made

    monkeypatch.setattr(direct._Call, "run", counted)
    return found


@pytest.fixture
def bound():
    return gv.ELBO(small_vae(), beta=1.5)


def _objective(bound, rows=3):
    return bound(*make_inputs(bound, rows))


def _backward(tensor, *arguments, **options):
    tensor.backward(*arguments, **options)
    return [tensor]


def _recorded(function):
    def run(bound):
        with mx.autograd.record():
            tensor = function(bound)
        return _backward(tensor)

    return run


def _two_before_a_backward_pass(bound):
    with mx.autograd.record():
        first, second = _objective(bound, 3), _objective(bound, 5)
    second.backward(retain_graph=True)
    first.backward()  # the later one is what is left
    return [first, second]


def _twice_in_one(bound):
    return _objective(bound, 3).sum() + 2 * _objective(bound, 5).sum() + _objective(bound, 3).sum()


def _with_a_penalty(bound):
    return _objective(bound).sum() - sum((p.data() ** 2).sum() for p in learned(bound))


def _in_another_block(bound):
    x, noise = make_inputs(bound, 3)
    return bound(x, noise).sum() + bound.vae.generator(noise).sum()


def _another_term(bound):
    return bound.terms(*make_inputs(bound, 3)).kl


def _two_terms(bound):
    terms = bound.terms(*make_inputs(bound, 3))
    return terms.kl * 3 - terms.log_likelihood


def _kept(bound):
    with mx.autograd.record():
        value = _objective(bound)
    value.backward(retain_graph=True)
    value.backward(nd([1, 2, 3]))
    return [value]


def _given_gradients(bound):
    with mx.autograd.record():
        value = _objective(bound)
    return _backward(value, nd([-1, 0, 2]))


def _of_data_and_noise(bound):
    x, noise = make_inputs(bound, 3)
    noise.attach_grad()
    with mx.autograd.record():
        value = bound(x, noise)
    value.backward()
    return [value, noise.grad]


def _by_autograd_grad(bound):
    variables = [p.data() for p in learned(bound)]
    with mx.autograd.record():
        value = _objective(bound)
    return [value, *mx.autograd.grad(value, variables)]


def _after_the_graph_has_gone(bound):
    with mx.autograd.record():
        value = _objective(bound)
    bound._clear_cached_op()
    gc.collect()
    return _backward(value)


def _added(bound):
    for parameter in learned(bound):
        parameter.grad_req = "add"
    _recorded(_objective)(bound)
    return _recorded(lambda bound: _objective(bound, 5))(bound)


def _frozen(bound):
    learned(bound)[0].grad_req = "null"
    return _recorded(_objective)(bound)


def _paused(bound):
    with mx.autograd.record(), mx.autograd.pause():
        value = _objective(bound)
    return [value]


def _losses(bound):
    """The negative, once and together with the tensor itself."""
    objective = _objective(bound)
    return (-objective).sum() * 3 + objective.sum() - (-objective).sum()


def _negative_outside(bound):
    with mx.autograd.record():
        objective = _objective(bound)
    negative = -objective
    objective.backward()
    return [negative]


def _while_predicting(bound):
    with mx.autograd.record(train_mode=False):
        value = _objective(bound)
    return _backward(value, train_mode=False)


# (what is done with a bound, how many calls of its graph that takes)
USES = {
    "one": (_recorded(_objective), 1),
    "of one row": (_recorded(lambda bound: _objective(bound, 1)), 1),
    "of 200 rows": (_recorded(lambda bound: _objective(bound, 200)), 1),
    "not recorded": (lambda bound: [_objective(bound), _objective(bound, 5)], 2),
    "paused": (_paused, 1),
    "a loss": (_recorded(lambda bound: -_objective(bound)), 1),
    "losses": (_recorded(_losses), 1),
    "a loss of another term": (_recorded(lambda bound: -bound.terms(*make_inputs(bound, 3)).kl), 1),
    "the negative after recording": (_negative_outside, 1),
    "while predicting": (_while_predicting, 1),
    "two before a backward pass": (_two_before_a_backward_pass, 2),
    "twice in one": (_recorded(_twice_in_one), 3),
    "with a penalty": (_recorded(_with_a_penalty), 1),
    "with a part in another block": (_recorded(_in_another_block), 1),
    "another term": (_recorded(_another_term), 1),
    "two terms": (_recorded(_two_terms), 1),
    "the graph kept": (_kept, 1),
    "gradients given": (_given_gradients, 1),
    "of the noise": (_of_data_and_noise, 1),
    "by autograd.grad": (_by_autograd_grad, 1),
    "after the graph has gone": (_after_the_graph_has_gone, 1),
    "gradients added": (_added, 2),
    "a parameter frozen": (_frozen, 1),
}


@pytest.mark.parametrize(
    ("name", "mode"),
    [*((name, "static_shape") for name in USES), ("one", "hybrid"), ("a loss", "hybrid"), ("one", "static_alloc")],
)
def test_values_and_gradients(name, mode, bound, calls):
    use, count = USES[name]
    found, inputs = [], 3 + len(learned(bound))
    for of_pass in ("imperative", mode, None, None, mode):
        if of_pass is not None:
            set_mode(bound, of_pass)
        for parameter in bound.vae.collect_params().values():
            parameter.grad_req = "write"
            parameter.zero_grad()
        values = numbers(*use(bound))
        found.append([np.concatenate([value.reshape(-1) for value in values]), *numbers(*gradients(bound))])
    imperative, *others = found
    for other in others:
        assert_same(other, imperative)
    assert calls.count(inputs) == 4 * count


def test_terms_that_are_constants(bound):
    set_mode(bound, "static_shape")
    given = make_inputs(bound, 3)
    with mx.autograd.record():
        terms = bound.terms(*given)
        with bound.only_objective():
            constant = bound.terms(*given)
    for value, same in zip(terms, constant):
        np.testing.assert_array_equal(value.asnumpy(), same.asnumpy())
    terms.objective.backward(retain_graph=True)
    wanted = numbers(*gradients(bound))
    constant.objective.backward(retain_graph=True)
    for gradient, want in zip(numbers(*gradients(bound)), wanted):
        np.testing.assert_array_equal(gradient, want)
    with pytest.raises(mx.base.MXNetError):
        constant.kl.backward()


def test_all_terms_can_be_differentiated_after_a_call_that_failed(bound):
    set_mode(bound, "static_shape")
    with pytest.raises(TypeError):
        bound("data")
    (found,) = _recorded(_another_term)(bound)
    assert found.shape == (3,)


def test_terms_are_differentiable_where_a_hook_sees_them(bound):
    set_mode(bound, "static_shape")
    seen = []
    bound.register_forward_hook(lambda block, inputs, terms: seen.append(terms.kl))
    with mx.autograd.record():
        _objective(bound)
    seen[0].backward()
    found = numbers(*gradients(bound))
    _recorded(_another_term)(bound)
    for gradient, want in zip(found, numbers(*gradients(bound))):
        np.testing.assert_array_equal(gradient, want)


def test_one_pass_after_the_other_over_many_steps(bound):
    """Memory of one call serves the next: what a call was given does not show in it."""
    set_mode(bound, "static_shape")
    first = {rows: numbers(*_recorded(lambda bound, rows=rows: _objective(bound, rows))(bound)) for rows in (2, 9)}
    for step in range(50):
        rows = (2, 9)[step % 2]
        again = numbers(*_recorded(lambda bound, rows=rows: _objective(bound, rows))(bound))
        np.testing.assert_array_equal(again, first[rows])


def test_the_negative_of_what_was_changed_or_is_not_a_number(bound):
    set_mode(bound, "static_shape")
    x, noise = make_inputs(bound, 3)
    with mx.autograd.record():
        objective = bound(x, noise)
        recorded = -objective
    np.testing.assert_array_equal(recorded.asnumpy(), -objective.asnumpy())
    assert type(-objective) is mx.nd.NDArray
    for copied in (objective.copy(), copy.deepcopy(objective), pickle.loads(pickle.dumps(objective))):
        assert type(copied) is mx.nd.NDArray
        np.testing.assert_array_equal((-copied).asnumpy(), recorded.asnumpy())
    objective = bound(x, noise)
    objective[1] = 7
    with mx.autograd.record():
        assert (-objective).asnumpy()[1] == -7
        of_nan = -bound.terms(x, noise * np.nan, validated=True).objective
    assert np.isnan(of_nan.asnumpy()).all()
    of_nan.backward()
    assert np.isnan(learned(bound)[0].grad().asnumpy()).all()


def test_what_does_not_fit_is_mxnets_to_refuse(bound, calls):
    set_mode(bound, "static_shape")
    x, noise = make_inputs(bound, 3)
    bound.terms(x, noise, validated=True)
    del calls[:]
    wrong = [(x, noise[:2]), (x[:, :5], noise), (x, noise.astype("float64"))]
    for data, of_data in wrong * 2:
        with pytest.raises(mx.base.MXNetError):
            bound.terms(data, of_data, validated=True).objective.asnumpy()
    assert not calls
    bound.terms(x, noise, validated=True)
    assert calls


def test_a_graph_of_more_than_one_program_is_called_by_mxnet(calls):
    bound = gv.ELBO(small_vae(infer_layer_sizes=[4], data_dims=64, infer_body="conv", data_shape=(8, 8)))
    set_mode(bound, "static_shape")
    rng = np.random.default_rng(0)
    bound(pixels(rng, 3, 64), draw(rng, bound.noise, (3,)))
    assert bound._direct is None
    assert not calls


class _Softplus(GraphBlock):
    def hybrid_forward(self, F, x):
        return compiled.softplus(x, 0.5)


@pytest.mark.parametrize("make", [nd, nd64])
def test_both_dtypes_of_programs(make, calls):
    block = _Softplus()
    block.hybridize()
    for shape in ((), (3,), (2, 3), (2, 1, 2, 1, 3))[1:]:
        x = make(np.linspace(-2, 2, int(np.prod(shape))).reshape(shape))
        x.attach_grad()
        with mx.autograd.record():
            y = block(x)
        y.backward()
        exact = 1 / (1 + np.exp(-x.asnumpy().astype(np.float64)))
        np.testing.assert_allclose(y.asnumpy(), np.log1p(np.exp(x.asnumpy().astype(np.float64))) + 0.5, rtol=1e-6)
        np.testing.assert_allclose(x.grad.asnumpy(), exact, rtol=1e-6)
        assert y.dtype == x.dtype
    assert calls == [1, 1, 1]


class _Draw(GraphBlock):
    """Some outputs of a program that has two."""

    def __init__(self, which):
        super().__init__()
        self.which = which

    def hybrid_forward(self, F, mean, std, noise):
        made = compiled.normal_draw_and_log_prob(mean, std, noise)
        return tuple(made[i] for i in self.which)


@pytest.mark.parametrize("which", [(0,), (1,), (0, 1), (1, 0)], ids=str)
def test_some_outputs_of_a_program(which, rng):
    block, given = _Draw(which), [nd(values) for values in np.exp(rng.standard_normal((3, 4, 5)))]
    wanted = numbers(*block(*given))
    block.hybridize()
    for _ in range(2):
        found = numbers(*block(*given))
        assert len(found) == len(which)
        for value, want in zip(found, wanted):
            np.testing.assert_allclose(value, want, rtol=1e-6)


def test_large_outputs_leave_no_memory_behind():
    block, x = _Softplus(), mx.nd.ones((4000, 2000))
    block.hybridize()
    block(mx.nd.ones((2, 2)))
    before = resident()
    for rows in (4000, 3999, 3998):  # 32 MB each
        block(x[:rows])
    gc.collect()
    assert resident() - before < 50e6  # malloc may keep one


def test_a_loss_that_is_kept_keeps_no_memory(rng):
    bound = gv.ELBO(small_vae(data_dims=500, infer_layer_sizes=[500, 500], generator_layer_sizes=[500, 500]))
    set_mode(bound, "static_shape")
    given, kept, sizes = (pixels(rng, 2000, 500), draw(rng, bound.noise, (2000,))), [], []
    for step in range(8):
        with mx.autograd.record():
            kept.append(bound(*given))
            kept.append(-kept[-1])
        kept[-1].backward(retain_graph=step % 2 == 1)
        if step % 2:
            kept[-1].backward()
        sizes.append(resident())
    with pytest.raises(mx.base.MXNetError):
        kept[-1].backward()
    # what is hidden takes 24 MB in each
    assert sizes[-1] - sizes[0] < 30e6


def test_memory_is_given_back_with_the_graph():
    before = None
    for _ in range(8):
        bound = gv.ELBO(small_vae(data_dims=500, infer_layer_sizes=[500, 500], generator_layer_sizes=[500, 500]))
        set_mode(bound, "static_shape")
        rng = np.random.default_rng(0)
        _recorded(lambda bound, rng=rng: bound(pixels(rng, 5000, 500), draw(rng, bound.noise, (5000,))))(bound)
        del bound
        gc.collect()
        before = before or resident()
    # what is hidden takes 60 MB in each
    assert resident() - before < 100e6
