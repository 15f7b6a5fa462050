"""Losses whose backward pass goes around autograd: as autograd would have it, whatever else is done with them."""

import copy
import gc
import pickle
import signal
import threading
import time

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.regions import direct
from gluonvae.backend.regions.availability import why_no_products
from gluonvae.backend.runtime import mx
from tests.backend.regions.graphs import gradients, make_inputs, resident
from tests.helpers import assert_same, learned, nd, numbers, set_mode, small_vae

pytestmark = pytest.mark.skipif(why_no_products() is not None, reason=f"matrix products: {why_no_products()}")


@pytest.fixture
def passes(monkeypatch):
    """The backward passes that went around autograd."""
    found, differentiate = [], direct._Call.differentiate

    def counted(call, memory, which):
        done = differentiate(call, memory, which)
        found.append(which)
        return done

    monkeypatch.setattr(direct._Call, "differentiate", counted)
    return found


@pytest.fixture
def bound():
    return gv.ELBO(small_vae(), beta=1.5)


def _wide_bound():
    """A bound whose passes take some milliseconds."""
    bound = gv.ELBO(small_vae(data_dims=500, infer_layer_sizes=[500, 500], generator_layer_sizes=[500, 500]))
    set_mode(bound, "static_shape")
    return bound


def _loss(bound, rows=3):
    return -bound(*make_inputs(bound, rows))


def _step(bound, rows=3):
    with mx.autograd.record():
        loss = _loss(bound, rows)
    loss.backward()
    return loss


def _marked_anew(bound):
    """A gradient array of its own for one parameter, which Gluon does not know of."""
    data = learned(bound)[0].data()
    mx.autograd.mark_variables([data], [mx.nd.ones(data.shape) * 7])
    return data


def _plain(bound):
    return [_step(bound)]


def _bound_itself(bound):
    with mx.autograd.record():
        value = bound(*make_inputs(bound, 3))
    value.backward()
    return [value]


def _of_other_sizes(bound):
    for rows in (1, 3, 200, 1, 3, 200):
        _step(bound, rows)
    return [_step(bound, 3)]


def _two_before_a_backward_pass(bound):
    with mx.autograd.record():
        first, second = _loss(bound, 3), _loss(bound, 5)
    second.backward()
    first.backward()
    return [first, second]


def _both_at_once(bound):
    with mx.autograd.record():
        losses = [_loss(bound, 3), _loss(bound, 5)]
    mx.autograd.backward(losses)
    return losses


def _mean(bound):
    with mx.autograd.record():
        loss = _loss(bound).mean()
    loss.backward()
    return [loss]


def _looked_at_first(bound):
    with mx.autograd.record():
        loss = _loss(bound)
    value, text = loss.asnumpy(), repr(loss)
    loss.backward()
    assert text == repr(loss) == repr(nd(value))
    return [loss, nd(value)]


def _sliced(bound):
    with mx.autograd.record():
        loss = _loss(bound)
        parts = [loss[1:], loss[0], loss.reshape((1, 3))]
        total = sum(part.sum() for part in parts)
    total.backward()
    assert {type(part) for part in parts} == {mx.nd.NDArray}
    return [loss, *parts]


def _with_a_penalty(bound):
    with mx.autograd.record():
        loss = _loss(bound) + sum((p.data() ** 2).sum() for p in learned(bound))
    loss.backward()
    return [loss]


def _beside_a_penalty(bound):
    """Two losses, one after the other: the second writes what the first has."""
    with mx.autograd.record():
        loss, penalty = _loss(bound), sum((p.data() ** 2).sum() for p in learned(bound))
    loss.backward()
    before = [p.grad().copy() for p in learned(bound)]
    penalty.backward()
    return [loss, *before]


def _given_gradients(bound):
    with mx.autograd.record():
        loss = _loss(bound)
    loss.backward(nd([-1, 0, 2]))
    return [loss]


def _kept(bound):
    with mx.autograd.record():
        loss = _loss(bound)
    loss.backward(retain_graph=True)
    loss.backward()
    return [loss]


def _added(bound):
    for parameter in learned(bound):
        parameter.grad_req = "add"
        parameter.zero_grad()
    for rows in (3, 5, 3, 5, 3):
        loss = _step(bound, rows)
    return [loss]


def _added_then_written(bound):
    _added(bound)
    for parameter in learned(bound):
        parameter.grad_req = "write"
    return [_step(bound)]


def _frozen_now_and_then(bound):
    found, parameter = [], learned(bound)[0]
    for request in ("null", "write", "null"):
        parameter.grad_req = request
        loss = _step(bound), _step(bound)
        found += [*loss, *gradients(bound)]
    parameter.grad_req = "write"
    return [*found, _step(bound)]


def _added_by_mxnets_own_function(bound):
    """The same array of a gradient, of which something else is asked: Gluon is not told of it."""
    for parameter in learned(bound):
        mx.autograd.mark_variables([parameter.data()], [parameter.grad()], "add")
        parameter.zero_grad()
    return [_step(bound), _step(bound, 5)]


def _another_array(bound):
    data = _marked_anew(bound)
    found = [_step(bound), data.grad.copy(), *gradients(bound)[:1]]
    return [*found, _step(bound, 5), _step(bound, 5), data.grad]


def _another_array_in_between(bound):
    """The gradient is that of the variable as it was recorded."""
    before = learned(bound)[0].grad()
    with mx.autograd.record():
        loss = _loss(bound)
    data = _marked_anew(bound)
    loss.backward()
    return [loss, data.grad, before]


def _another_array_in_between_and_a_mean(bound):
    before = learned(bound)[0].grad()
    with mx.autograd.record():
        loss = _loss(bound)
        data = _marked_anew(bound)
        loss = loss.mean()
    loss.backward()
    return [loss, data.grad, before]


def _of_the_noise(bound):
    x, noise = make_inputs(bound, 3)
    noise.attach_grad()
    with mx.autograd.record():
        loss = -bound(x, noise)
    loss.backward()
    return [loss, noise.grad]


def _of_computed_noise(bound):
    x, noise = make_inputs(bound, 3)
    scale = nd([2])
    scale.attach_grad()
    with mx.autograd.record():
        loss = -bound(x, noise * scale)
    loss.backward()
    return [loss, scale.grad]


def _noise_that_is_a_variable_later(bound):
    """It was no variable when it was used."""
    x, noise = make_inputs(bound, 3)
    with mx.autograd.record():
        loss = -bound(x, noise)
        noise.attach_grad()
        total = loss.sum() + (noise**2).sum()
    total.backward()
    return [total, noise.grad]


def _computed_parameters(bound):
    """One parameter is made of another, as under a hypernetwork."""
    first = learned(bound)[0]
    source = first.data().copy()
    source.attach_grad()
    kept = first._data
    with mx.autograd.record():
        first._data = [source * 2]
        loss = _loss(bound)
    loss.backward()
    first._data = kept
    return [loss, source.grad]


def _by_autograd_grad(bound):
    with mx.autograd.record():
        loss = _loss(bound)
    return [loss, *mx.autograd.grad(loss, [p.data() for p in learned(bound)])]


def _a_copy(make):
    def use(bound):
        with mx.autograd.record():
            loss = _loss(bound)
            value = make(loss)
        loss.backward()
        return [loss, value]

    return use


def _losses(bound):
    with mx.autograd.record():
        value = bound(*make_inputs(bound, 3))
        loss, other = -value, -value
    loss.backward()
    return [value, loss, other]


def _negatives_apart(bound):
    """What is written to one is not seen in the others."""
    with mx.autograd.record():
        value = bound(*make_inputs(bound, 3))
        first, second = -value, -value
    first[:] = 0
    second.backward()
    return [value, first, second]


def _a_variable(bound):
    with mx.autograd.record():
        value = bound(*make_inputs(bound, 3))
        value.attach_grad()
        loss = (-value).sum()
    loss.backward()
    return [loss, value.grad]


class _Straight(mx.autograd.Function):
    """Computes a bound, and has a gradient of its own."""

    def __init__(self, bound, x):
        super().__init__()
        self.bound, self.x = bound, x

    def forward(self, noise):
        return self.bound(self.x, noise)

    def backward(self, of_value):
        return of_value.reshape((-1, 1)) * mx.nd.ones((3, 4))


def _a_function_of_ones_own(bound):
    x, noise = make_inputs(bound, 3)
    noise.attach_grad()
    with mx.autograd.record():
        loss = (-_Straight(bound, x)(noise)).sum() + 10 * noise.sum()
    loss.backward()
    return [loss, noise.grad]


def _assigned(bound):
    history, given = mx.nd.zeros((4, 3)), make_inputs(bound, 3)
    history[0] = bound(*given)
    with mx.autograd.record():
        first, second = _loss(bound), _loss(bound)
    first.backward()
    history[1] = first
    history[2] = second
    second[:] = first
    return [
        history,
        mx.nd.array(first),
        mx.nd.concatenate([first, second]),
        nd(list(mx.gluon.data.ArrayDataset(first))),
    ]


def _written_to(bound):
    with mx.autograd.record():
        value = bound(*make_inputs(bound, 3))
    value[1] = 7
    value.backward()
    return [value]


def _within_the_recording(bound):
    with mx.autograd.record():
        loss = _loss(bound)
        loss.backward()
        other = _loss(bound, 5)
    other.backward()
    return [loss, other]


def _in_another_thread(bound):
    with mx.autograd.record():
        first, second = _loss(bound), _loss(bound, 5)
    kept = []
    thread = threading.Thread(target=lambda: (first.backward(), kept.extend(gradients(bound)), second.mean()))
    thread.start()
    thread.join()
    second.backward()
    return [first, second, *kept]


def _new_values(bound):
    learned(bound)[0].set_data(learned(bound)[0].data() * 0.5)
    loss = _step(bound)
    learned(bound)[0].set_data(learned(bound)[0].data() * 2)
    return [loss, *gradients(bound), _step(bound)]


def _after_the_model_has_gone(bound):
    other = gv.ELBO(small_vae(), beta=1.5)
    set_mode(other, "static_shape" if bound._active else "imperative")
    for mine, its in zip(learned(bound), learned(other)):
        its.set_data(mine.data())
    for _ in range(3):
        _step(other)
    variables = [p.data() for p in learned(other)]
    with mx.autograd.record():
        loss = _loss(other)
    del other, its
    gc.collect()
    loss.backward()
    return [loss, *(variable.grad for variable in variables)]


# (what is done with a bound after three steps, how many backward passes of it go around autograd)
USES = {
    "a loss": (_plain, 1),
    "the bound": (_bound_itself, 1),
    "several losses": (_losses, 0),
    "of other sizes": (_of_other_sizes, 5),
    "two before a backward pass": (_two_before_a_backward_pass, 1),
    "both at once": (_both_at_once, 0),
    "its mean": (_mean, 0),
    "looked at first": (_looked_at_first, 0),
    "sliced": (_sliced, 0),
    "with a penalty": (_with_a_penalty, 0),
    "beside a penalty": (_beside_a_penalty, 1),
    "gradients given": (_given_gradients, 0),
    "the graph kept": (_kept, 0),
    "gradients added": (_added, 3),
    "gradients added, then written": (_added_then_written, 3),
    "a parameter frozen now and then": (_frozen_now_and_then, 3),
    "added by MXNet's own function": (_added_by_mxnets_own_function, 0),
    "another array": (_another_array, 1),
    "another array in between": (_another_array_in_between, 1),
    "another array in between and a mean": (_another_array_in_between_and_a_mean, 0),
    "of the noise": (_of_the_noise, 0),
    "of computed noise": (_of_computed_noise, 0),
    "noise that is a variable later": (_noise_that_is_a_variable_later, 0),
    "computed parameters": (_computed_parameters, 0),
    "by autograd.grad": (_by_autograd_grad, 0),
    "copied": (_a_copy(lambda loss: loss.copy()), 0),
    "deeply copied": (_a_copy(copy.deepcopy), 0),
    "pickled": (_a_copy(lambda loss: pickle.loads(pickle.dumps(loss))), 0),
    "detached": (_a_copy(lambda loss: loss.detach()), 0),
    "negatives apart": (_negatives_apart, 0),
    "a variable": (_a_variable, 0),
    "a function of one's own": (_a_function_of_ones_own, 0),
    "assigned": (_assigned, 1),
    "written to": (_written_to, 0),
    "within the recording": (_within_the_recording, 1),
    "in another thread": (_in_another_thread, 1),
    "new values": (_new_values, 2),
    "after the model has gone": (_after_the_model_has_gone, 3),
}


@pytest.mark.parametrize("name", USES)
def test_values_and_gradients(name, passes):
    use, count = USES[name]
    found = []
    values = small_vae()
    for mode in ("imperative", "static_shape"):
        bound = gv.ELBO(copy.deepcopy(values), beta=1.5)
        set_mode(bound, mode)
        for _ in range(3):
            _step(bound)
        del passes[:]
        made = numbers(*use(bound))
        found.append([*made, *numbers(*gradients(bound))])
    imperative, hybrid = found
    assert_same(hybrid, imperative)
    assert len(passes) == count


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_twice_is_mxnets_to_refuse(mode, bound):
    set_mode(bound, mode)
    for _ in range(3):
        loss = _step(bound)
        with pytest.raises(mx.base.MXNetError):
            loss.backward()


def test_gradients_are_fresh(bound):
    set_mode(bound, "static_shape")
    trainer = mx.gluon.Trainer(bound.collect_params(), "sgd")
    for _ in range(3):
        _step(bound)
        trainer.step(3)
        with pytest.raises(UserWarning, match="has not been updated"):
            trainer.step(3)


def test_two_losses_before_the_first_backward_pass(bound):
    """MXNet's own graphs fail in the second: the first forgets what was recorded of an input that both have."""
    set_mode(bound, "static_shape")
    for rows in (3, 5):
        bound(*make_inputs(bound, rows))
    with mx.autograd.record():
        losses = _loss(bound, 3), _loss(bound, 5)
    found = []
    for loss in losses:
        loss.backward()
        found.append(numbers(*gradients(bound)))
    for rows, of_loss in zip((3, 5), found):
        _step(bound, rows)
        assert_same(of_loss, numbers(*gradients(bound)))


def test_a_loss_that_another_thread_looks_at():
    bound = _wide_bound()
    for _ in range(3):
        _step(bound, 200)
    wanted = numbers(*gradients(bound))
    for _ in range(50):
        with mx.autograd.record():
            loss = _loss(bound, 200)
        thread = threading.Thread(target=lambda loss=loss: loss.shape)
        thread.start()
        loss.backward()
        thread.join()
        assert_same(numbers(*gradients(bound)), wanted)


def test_a_signal_within_a_backward_pass():
    """Its handler raises where Python goes on: when the pass is over."""
    bound = _wide_bound()
    for _ in range(3):
        _step(bound, 2000)
    wanted = numbers(*gradients(bound))
    before, interrupted = signal.signal(signal.SIGALRM, signal.default_int_handler), 0
    try:
        for delay in (0.001, 0.003, 0.01, 0.02):
            with mx.autograd.record():
                loss = _loss(bound, 2000)
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                loss.backward()
                time.sleep(1)
            except KeyboardInterrupt:
                interrupted += 1
            del loss
            _step(bound, 2000)
            for found, want in zip(numbers(*gradients(bound)), wanted):
                np.testing.assert_array_equal(found, want)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert interrupted == 4


def test_losses_that_are_kept_or_thrown_away_leave_no_memory():
    bound = _wide_bound()
    given, kept, sizes = make_inputs(bound, 2000), [], []
    for step in range(12):
        with mx.autograd.record():
            loss = -bound(*given)
        if step % 3:
            loss.backward()
        if step % 3 < 2:
            kept.append(loss if step % 3 else loss.asnumpy())
        del loss
        sizes.append(resident())
    # what is hidden takes 24 MB in each
    assert sizes[-1] - sizes[3] < 30e6
