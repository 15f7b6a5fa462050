"""Gradients that are sent in pieces, while others are computed."""

import contextlib
import json
import os
import threading

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend import compiled
from gluonvae.backend.memory import address
from gluonvae.backend.regions import availability
from gluonvae.backend.regions.fusion import fused
from gluonvae.backend.regions.shared import announcing
from gluonvae.backend.runtime import OPENMP, mx
from gluonvae.distributed.gradients import GradientSum
from gluonvae.distributed.group import MOST_PIECES, Group
from gluonvae.distributed.identity import Identity
from gluonvae.distributed.kvstore import piece_of
from tests.distributed.trainings import images
from tests.helpers import small_vae
from tests.helpers.workers import outputs

announces = pytest.mark.skipif(
    availability.why_no_products() is not None, reason=f"no regions here: {availability.why_no_products()}"
)


class Exchange:
    """The sum of one that has what this one has; ``sent`` are its pieces' places, in their order."""

    def __init__(self, piece):
        self.piece, self.sent, self.fails = piece, [], False
        self._lock = threading.Lock()

    def sum(self, values, place=0):
        if self.fails:
            raise RuntimeError("no network")
        with self._lock:
            self.sent.append(place)
        values *= 2


class Watch:
    step = 0

    def waiting(self):
        return contextlib.nullcontext()


def two(piece):
    """This worker with one that does the same."""
    exchange = Exchange(piece)
    return Group(Identity(0, 2, 0, 2), exchange, Watch()), exchange


def parameters_of(*shapes, **options):
    made = [mx.gluon.Parameter(f"p{i}", shape=shape, **options) for i, shape in enumerate(shapes)]
    for parameter in made:
        parameter.initialize()
    return made


def give(parameters):
    """Gradients 0, 1, ... in all."""
    count = 0
    for parameter in parameters:
        numbers = np.arange(count, count + np.prod(parameter.shape)).reshape(parameter.shape)
        parameter.grad()[:] = mx.nd.array(numbers, dtype=parameter.dtype)
        parameter.data()._fresh_grad = True
        count += numbers.size


def assert_doubled(parameters):
    found = np.concatenate([parameter.grad().asnumpy().reshape(-1) for parameter in parameters])
    np.testing.assert_array_equal(found, 2 * np.arange(len(found)))


@pytest.mark.parametrize(("piece", "pieces"), [(1000, 1), (60, 2), (20, 6), (1, MOST_PIECES)])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_each_gradient_and_number_is_in_one_piece(piece, pieces, dtype):
    group, exchange = two(piece)
    parameters = parameters_of((5, 6), (7,), (40, 2), (1,), dtype=dtype)
    total = GradientSum(parameters, group, numbers=3)
    for _ in range(3):
        give(parameters)
        exchange.sent.clear()
        np.testing.assert_array_equal(total.run([1, 2, 0.5]), [2, 4, 1])
        assert_doubled(parameters)
    assert sorted(exchange.sent) == [*range(pieces)]
    assert total.early == 0


def test_pieces_are_large_where_there_are_many_workers_and_there_are_none_on_one_host():
    assert piece_of("node1:9000", 2, 1) == 3 * 2**16
    assert piece_of("node1:9000", 100, 100) == 200 * 2**16
    assert min(piece_of(f"{host}:9000", 2, 1) for host in ("127.0.0.1", "localhost")) > 2**60
    assert two(2**60)[0].pieces_of(2**40) == 1


def write(group, *words):
    for word in words:
        os.write(group.senders.file, word.to_bytes(8, "little", signed=True))


def sent(exchange, count):
    """Whether so many pieces, and no more, have been sent at last."""
    for _ in range(200):
        if len(exchange.sent) >= count:
            break
        threading.Event().wait(0.01)
    threading.Event().wait(0.05)
    return sorted(exchange.sent) == [*range(count)]


def test_pieces_go_in_their_order_when_all_before_is_there():
    group, exchange = two(10)
    parameters = parameters_of((20,), (30,), (50,))
    parameters[1].grad_req = "add"
    total = GradientSum(parameters, group, numbers=1)
    give(parameters)
    first, second, third = (address(parameter.grad()) for parameter in parameters)
    with total.while_computed():
        exchange.sent.clear()  # where their places are made
        write(group, first, 12345)
        assert sent(exchange, 0)
        write(group, third, third)
        assert sent(exchange, 4)  # of 10 or 11 numbers
        write(group, second)  # what others add to is complete in the end only
        assert sent(exchange, 4)
    assert total.run([3]).tolist() == [6]
    assert sent(exchange, 10)
    assert_doubled(parameters)
    assert total.early == 4


def test_a_worker_that_fails_in_its_pass_sends_the_rest():
    group, exchange = two(10)
    parameters = parameters_of((20,), (30,))
    total = GradientSum(parameters, group)
    give(parameters)
    with contextlib.suppress(KeyError), total.while_computed():
        exchange.sent.clear()
        write(group, address(parameters[1].grad()))
        raise KeyError("in the middle")
    total.run()
    assert sent(exchange, 5)
    give(parameters)
    total.run()
    assert_doubled(parameters)


def test_errors_of_sums_are_raised():
    group, exchange = two(10)
    parameters = parameters_of((50,))
    total = GradientSum(parameters, group)
    give(parameters)
    total.run()
    exchange.fails = True
    with pytest.raises(RuntimeError, match="no network"):
        total.run()


def words_of(compute):
    """What a backward pass announces."""
    reader, writer = os.pipe()
    with announcing(writer):
        compute()
    os.close(writer)
    words = np.frombuffer(os.read(reader, 8000), np.int64)
    os.close(reader)
    return words.tolist()


def announced(compute, parameters):
    """The names of the gradients that a backward pass announces, in their order."""
    names = {address(parameter.grad()): parameter.name for parameter in parameters}
    return [names[word] for word in words_of(compute) if word in names]


def backward(block, data):
    with mx.autograd.record():
        loss = block(data)
    loss.backward()


@announces
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("mode", [None, {}, {"static_alloc": True, "static_shape": True}])
def test_a_backward_pass_announces_each_gradient_once(mode, count):
    bound = gv.ELBO(small_vae())
    if mode is not None:
        bound.hybridize(**mode)
    learnt = [parameter for parameter in bound.collect_params().values() if parameter.grad_req != "null"]
    OPENMP.omp_set_num_threads(count)
    try:
        for _ in range(3):
            names = announced(lambda: backward(bound, mx.nd.array(images(40))), learnt)
            assert sorted(names) == sorted(parameter.name for parameter in learnt)
            assert "logits" in names[0]
    finally:
        OPENMP.omp_set_num_threads(1)


class Twice(mx.gluon.HybridBlock):
    """A body that data go through twice, with something else between."""

    def __init__(self, between):
        super().__init__()
        with self.name_scope():
            self.body = gv.networks.MLP([12, 12])
        self.between = between

    def hybrid_forward(self, F, x):
        return self.body(self.between(F, self.body(x)))


@announces
@pytest.mark.parametrize("between", [lambda F, x: x, lambda F, x: F.reverse(x, axis=0)])
@pytest.mark.parametrize("mode", [None, {}, {"static_alloc": True, "static_shape": True}])
def test_gradients_that_mxnet_adds_up_are_not_announced(mode, between):
    block = Twice(between)
    block.initialize()
    block(mx.nd.ones((1, 12)))
    if mode is not None:
        block.hybridize(**mode)
    parameters = [*block.collect_params().values()]
    for _ in range(3):
        assert announced(lambda: backward(block, mx.nd.array(images(40))), parameters) == []


@announces
@pytest.mark.parametrize("count", [1, 2])
def test_a_gradient_of_two_layers_is_announced_after_the_first(count):
    first, second = (compiled.Layer(mx.sym.var(f"{name}w"), mx.sym.var(f"{name}b"), 12, "tanh") for name in "ab")
    x = mx.sym.var("x")
    for layer in (first, second, first):
        x = compiled.dense(x, [layer])
    shapes = {"x": (40, 12), "aw": (12, 12), "ab": (12,), "bw": (12, 12), "bb": (12,)}
    gradients = {name: mx.nd.zeros(shape) for name, shape in shapes.items() if name != "x"}
    bound = fused(x).bind(mx.cpu(), {name: mx.nd.ones(shape) for name, shape in shapes.items()}, gradients)
    names = {address(gradient): name for name, gradient in gradients.items()}
    OPENMP.omp_set_num_threads(count)
    try:
        out = bound.forward(is_train=True)
        assert [names[word] for word in words_of(lambda: bound.backward(out))] == ["bw", "bb", "aw", "ab"]
    finally:
        OPENMP.omp_set_num_threads(1)


@announces
def test_a_gradient_that_others_have_a_part_in_is_not_announced():
    bound = gv.ELBO(small_vae())
    parameter = bound.vae.generator.collect_params().values()
    weight = next(p for p in parameter if p.name.endswith("logits_weight"))

    def compute():
        with mx.autograd.record():
            loss = -bound(mx.nd.array(images(40))) + (weight.data() ** 2).sum()
        loss.backward()

    assert announced(compute, [weight]) == []


SAME = """
import sys
import numpy as np
import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.distributed.gradients import GradientSum
from tests.distributed.trainings import images
from tests.helpers import small_vae

group = gv.distributed.current()
group._exchange.piece = 20
gv.seed(3)
bound = gv.IWAE(small_vae(), samples=3)
if sys.argv[1] == "hybrid":
    bound.hybridize(static_alloc=True, static_shape=True)
learnt = [p for p in bound.collect_params().values() if p.grad_req != "null"]
total = GradientSum(learnt, group, numbers=1)
for step in range(60):
    data = mx.nd.array(images(40)[group.rank + step % 7 :: 2])
    noise = bound.draw_noise(len(data))
    with mx.autograd.record():
        loss = -bound(data, noise)
    loss.backward()
    flat = mx.nd.concat(*[p.grad().reshape(-1) for p in learnt], dim=0)
    group.sum(flat)
    with mx.autograd.record():
        loss = -bound(data, noise)
    with total.while_computed():
        loss.backward()
    assert total.run([group.rank]).tolist() == [1]
    summed = np.concatenate([p.grad().asnumpy().reshape(-1) for p in learnt])
    assert np.array_equal(summed, flat.asnumpy()), step
print(total.early)
"""


@pytest.mark.parametrize("servers", ["1", "2"])
@pytest.mark.parametrize("mode", ["hybrid", "imperative"])
def test_sums_are_the_same_to_the_bit(mode, servers):
    early = [int(out) for out in outputs(2, "-c", SAME, mode, GLUONVAE_SERVERS=servers)]
    assert availability.why_no_products() is not None or min(early) > 60


FAILS = """
import hashlib, json, sys
import gluonvae as gv
from gluonvae.backend.regions.heads import Head
from gluonvae.backend.runtime import mx
from tests.distributed.trainings import images
from tests.helpers import small_vae

group = gv.distributed.current()
group._exchange.piece = int(sys.argv[1])
calls, fails = [], []

def then_fail(own):
    def backward(*arguments):
        own(*arguments)
        calls.append(1)
        if fails and len(calls) == 5 and group.rank == 1:
            raise ZeroDivisionError("after the pass")

    return backward

for kind in (mx.nd.NDArray, Head):
    kind.backward = then_fail(kind.backward)

def fitted():
    del calls[:]
    gv.seed(3)
    vae = small_vae()
    gv.fit(gv.ELBO(vae), images(), epochs=2, batch_size=10, progress=False)
    return hashlib.sha256(b"".join(p.data().asnumpy().tobytes() for p in vae.collect_params().values())).hexdigest()

found = [fitted()]
fails.append(1)
try:
    fitted()
except Exception as error:
    found.append(f"{type(error).__name__}: {error}")
del fails[:]
print(json.dumps([*found, fitted()]))
"""


@pytest.mark.parametrize("piece", ["20", "1000000"])
def test_a_worker_that_fails_after_its_pass_stops_all_and_they_can_train_again(piece):
    first, second = (json.loads(out) for out in outputs(2, "-c", FAILS, piece))
    assert first[1] == "RuntimeError: rank 1: after the pass"
    assert second[1] == "ZeroDivisionError: after the pass"
    assert first[0] == first[2] == second[0] == second[2]
