"""Gradients of graphs that share a parameter, against those worked out by hand."""

import pytest

from gluonvae.backend.runtime import mx
from gluonvae.backend.static_graphs import _all_inputs_as_data
from tests.helpers import MODES, nd, set_mode

ONE, TWO = nd([[1]]), nd([[1], [1]])


class Times(mx.gluon.HybridBlock):
    """A number times a block's output, summed."""

    def __init__(self, block, number):
        super().__init__()
        self.block, self.number = block, number

    def hybrid_forward(self, F, x):
        return F.sum(self.number * self.block(x))


class World:
    """One weight of value 1, and two blocks and a number that depend on it."""

    def __init__(self, mode):
        self.dense = mx.gluon.nn.Dense(1, use_bias=False, in_units=1)
        self.dense.initialize(mx.init.One())
        self.one, self.ten = Times(self.dense, 1), Times(self.dense, 10)
        set_mode(self.one, mode)
        set_mode(self.ten, mode)
        self.weight = self.dense.weight

    def penalty(self):
        return 50 * (self.weight.data() ** 2).sum()

    def gradient_of(self, function):
        with mx.autograd.record():
            total = function(self)
        total.backward()
        return self.weight.grad().asscalar()


# (a function of a world, its derivative in the weight)
ONCE = (lambda w: w.one(ONE), 1)
TEN = (lambda w: w.ten(ONE), 10)
TWO_ROWS = (lambda w: w.one(TWO), 2)
BOTH = (lambda w: w.one(ONE) + w.ten(ONE), 11)
TWICE = (lambda w: w.one(ONE) + 2 * w.one(ONE), 3)
TWICE_OF_TWO_SIZES = (lambda w: w.one(ONE) + w.one(TWO), 3)
CHILD = (lambda w: w.one(ONE) + w.dense(ONE).sum(), 2)
CHILD_ALONE = (lambda w: w.dense(ONE).sum(), 1)
PENALISED = (lambda w: w.one(ONE) + w.penalty(), 101)
PROGRAMS = {
    "two blocks first": [BOTH, ONCE, ONCE, TEN, TEN, ONCE],
    "two blocks later": [ONCE, TEN, BOTH, ONCE, TEN],
    "a block twice": [TWICE, ONCE, TWICE, TEN],
    "a block twice, later": [ONCE, TWICE, ONCE],
    "another number of rows": [BOTH, TWO_ROWS, ONCE, BOTH, TWO_ROWS],
    "two numbers of rows at once": [TWICE_OF_TWO_SIZES, ONCE, TWO_ROWS, TWICE_OF_TWO_SIZES],
    "a block and its child": [CHILD, ONCE, CHILD_ALONE, CHILD],
    "a penalty on the parameter": [PENALISED, ONCE, PENALISED, TEN],
    "a penalty later": [ONCE, PENALISED, ONCE],
}
every_mode = pytest.mark.parametrize("mode", MODES)


@every_mode
@pytest.mark.parametrize("name", PROGRAMS)
def test_each_gradient_is_that_of_what_was_differentiated(name, mode):
    world = World(mode)
    assert [world.gradient_of(f) for f, _ in PROGRAMS[name]] == [want for _, want in PROGRAMS[name]]


@every_mode
@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_that_are_added(name, mode):
    world, total = World(mode), 0
    world.weight.grad_req = "add"
    for function, derivative in PROGRAMS[name]:
        total += derivative
        assert world.gradient_of(function) == total


@every_mode
def test_a_new_gradient_array(mode):
    world = World(mode)
    assert world.gradient_of(ONCE[0]) == 1
    for change in (
        lambda: setattr(world.weight, "grad_req", "null") or setattr(world.weight, "grad_req", "write"),
        lambda: world.dense.initialize(mx.init.One(), force_reinit=True),
        lambda: world.weight.reset_ctx(mx.cpu()),
    ):
        change()
        world.weight.grad()[:] = 1000
        assert world.gradient_of(ONCE[0]) == 1


@every_mode
def test_gradients_that_are_returned_have_memory_of_their_own(mode):
    world, gradients = World(mode), []
    assert world.gradient_of(BOTH[0]) == 11
    for block, times in ((world.one, 1), (world.ten, 1), (world.one, 3)):
        with mx.autograd.record():
            total = times * block(ONE)
        gradients += mx.autograd.grad(total, [world.weight.data()])
    assert [gradient.asscalar() for gradient in gradients] == [1, 10, 3]
    assert world.weight.grad().asscalar() == 11


@every_mode
def test_records_differentiated_together_and_again(mode):
    world = World(mode)
    for _ in range(2):
        with mx.autograd.record():
            one = world.one(ONE)
        with mx.autograd.record():
            ten = world.ten(TWO)
        mx.autograd.backward([one, ten], retain_graph=True)
        assert world.weight.grad().asscalar() == 21
        ten.backward()
        assert world.weight.grad().asscalar() == 20


@every_mode
def test_a_moving_average_moves(mode):
    norm = mx.gluon.nn.BatchNorm(in_channels=1, momentum=0.5)
    norm.initialize()
    set_mode(norm, mode)
    for wanted in (1, 1.5, 1.75):
        with mx.autograd.record():
            total = norm(nd([[1], [3]])).sum()
        total.backward()
        # the mean of the batch is 2
        assert norm.running_mean.data().asscalar() == wanted


def test_flags_without_indices_are_left_as_they_are():
    assert _all_inputs_as_data([("static_alloc", True)]) == [("static_alloc", True)]
    assert dict(_all_inputs_as_data([("data_indices", [2]), ("param_indices", [0, 1])])) == {
        "data_indices": [0, 1, 2],
        "param_indices": [],
    }
