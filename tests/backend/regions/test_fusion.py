"""Programs put together in a graph: as many as may be, and the same numbers."""

import json

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend import compiled, log_probs
from gluonvae.backend.regions import availability
from gluonvae.backend.regions.fusion import fused
from gluonvae.backend.regions.program import Program
from gluonvae.backend.regions.programs import NAME
from gluonvae.backend.runtime import OPENMP, mx
from tests.helpers import nd, small_vae
from tests.helpers.likelihoods import model
from tests.tables.likelihoods import ROWS

pytestmark = pytest.mark.skipif(
    availability.why_no_products() is not None, reason=f"no regions here: {availability.why_no_products()}"
)


def operators(symbol):
    nodes = json.loads(symbol.tojson())["nodes"]
    return [
        node["attrs"]["op_type"] if node["op"] == "Custom" else node["op"] for node in nodes if node["op"] != "null"
    ]


def layer(x, name, units, activation="tanh"):
    return compiled.dense(x, [compiled.Layer(mx.sym.var(f"{name}w"), mx.sym.var(f"{name}b"), units, activation)])


def assert_same(symbol, shapes, rng):
    """Of a graph and its fused one: outputs, and gradients for all inputs, with one thread and with several."""
    whole = fused(symbol)
    assert whole.list_outputs() != []
    names = symbol.list_arguments()
    assert sorted(whole.list_arguments()) == sorted(names)
    of_names = dict(zip(names, symbol.infer_shape(**shapes)[0]))
    values = {name: rng.standard_normal(of_names[name]) for name in names}
    results = []
    for graph, most in ((symbol, 1), (whole, 1), (whole, 3)):
        OPENMP.omp_set_num_threads(most)
        inputs = {name: nd(values[name]) for name in names}
        gradients = {name: mx.nd.zeros(of_names[name]) for name in names}
        bound = graph.bind(mx.cpu(), inputs, gradients)
        outputs = bound.forward(is_train=True)
        heads = np.random.default_rng(3)
        bound.backward([nd(heads.standard_normal(x.shape)) for x in outputs])
        results.append([*(x.asnumpy() for x in outputs), *(gradients[name].asnumpy() for name in names)])
    OPENMP.omp_set_num_threads(1)
    for other in results[1:]:
        for x, y in zip(results[0], other):
            np.testing.assert_allclose(y, x, rtol=1e-5, atol=2e-6 * max(abs(x).max(), 1))
    for x, y in zip(*results[1:]):
        np.testing.assert_array_equal(x, y)
    return operators(whole)


def test_layers_with_a_fork_are_one_program(rng):
    x = mx.sym.var("x")
    h = layer(x, "h", 9)
    a, b = layer(h, "a", 5, "identity"), compiled.softplus(layer(h, "b", 5, "relu"), 0.1)
    for rows in (1, 20, 70):
        assert assert_same(mx.sym.Group([a, b]), {"x": (rows, 7)}, rng) == [NAME]


def test_what_is_used_outside_and_inside_gets_both_gradients(rng):
    h = layer(mx.sym.var("x"), "h", 9)
    outside = mx.sym.square(h)
    found = assert_same(mx.sym.Group([outside, h, layer(h, "a", 5)]), {"x": (33, 7)}, rng)
    assert sorted(found) == sorted([NAME, "square"])


def test_what_is_computed_by_way_of_another_operator_stays_apart(rng):
    h = layer(mx.sym.var("x"), "h", 9)
    after = layer(mx.sym.square(h) + h, "a", 5)
    found = assert_same(mx.sym.Group([after, layer(after, "b", 3)]), {"x": (33, 7)}, rng)
    assert found.count(NAME) == 2


def test_a_weight_that_is_used_twice_gets_both_gradients(rng):
    h = layer(mx.sym.var("x"), "h", 7)
    assert assert_same(layer(h, "h", 7), {"x": (40, 7)}, rng) == [NAME]


@pytest.mark.parametrize("samples", [(), (3,), (50,)])
def test_draws_of_several_samples(samples, rng):
    h = layer(mx.sym.var("x"), "h", 9)
    mean, std = layer(h, "m", 4, "identity"), compiled.softplus(layer(h, "s", 4, "identity"), 1e-4)
    z, log_q = compiled.normal_draw_and_log_prob(mean, std, mx.sym.var("noise"))
    log_p = compiled.standard_normal_log_prob(z)
    logits = layer(layer(z, "g", 8), "o", 7, "identity")
    log_likelihood = log_probs.bernoulli(logits, mx.sym.BlockGrad(mx.sym.var("x")))
    group = mx.sym.Group([log_likelihood, log_p, log_q])
    for rows in (1, 20, 35):
        shapes = {"x": (rows, 7), "noise": (*samples, rows, 4)}
        assert sorted(assert_same(group, shapes, rng)) == ["BlockGrad", NAME]


def test_rows_that_have_nothing_to_do_with_each_other(rng):
    """As of a parameter of its own beside the data."""
    x = mx.sym.var("x")
    own = compiled.softplus(mx.sym.var("own"), 0.1)
    group = mx.sym.Group([layer(x, "a", 5), own, layer(compiled.softplus(x, 0.0), "b", 3)])
    for rows in (1, 20, 35):
        assert assert_same(group, {"x": (rows, 7), "own": (13, 2)}, rng) == [NAME]


def test_numbers_of_rows_are_not_rows(rng):
    """What has a number for each row is a matrix to who takes it for rows."""
    of_rows = compiled.standard_normal_log_prob(compiled.softplus(mx.sym.var("z"), 0.0))
    assert assert_same(compiled.softplus(of_rows, 0.0), {"z": (5, 20, 3)}, rng) == [NAME] * 2
    assert assert_same(compiled.standard_normal_log_prob(of_rows), {"z": (5, 20, 3)}, rng) == [NAME] * 2


def test_averages_of_several_shapes(rng):
    """Also where all rows of one are one row of the other."""
    both = [compiled.log_mean_exp(compiled.softplus(mx.sym.var(name), 0.0)) for name in "xy"]
    for first, second in (((1, 1), (1, 1, 4)), ((5, 5), (5, 5, 4)), ((5, 4), (4, 4)), ((4, 1), (1, 4))):
        assert_same(mx.sym.Group(both), {"x": first, "y": second}, rng)


def numbers(name):
    """For each row of a tensor one, computed by a program."""
    return compiled.standard_normal_log_prob(compiled.softplus(mx.sym.var(name), 0.0))


def over_samples(x):
    return mx.sym.mean(mx.sym.reshape(x, shape=(-1, 0), reverse=True), 0)


@pytest.mark.parametrize("shape", [(1, 3), (20, 3), (4, 20, 3), (2, 4, 5, 3), (50, 1, 3), (1, 20, 3)], ids=str)
def test_averages_over_samples_are_of_the_program_of_their_numbers(shape, rng):
    x = numbers("x")
    of_all = over_samples(x)
    groups = [of_all, mx.sym.Group([of_all * -1, mx.sym.identity(of_all), x]), of_all - mx.sym.identity(of_all) * 3]
    if len(shape) > 2:
        averages = [compiled.log_mean_exp(x), over_samples(x) - over_samples(x / 3)]
        groups += [*averages, mx.sym.Group([*averages, x]), over_samples(compiled.log_mean_exp(x) * 2)]
    for group in groups:
        assert assert_same(group, {"x": shape}, rng) == [NAME]


def test_other_averages_stay_mxnets(rng):
    x, shapes = numbers("x"), {"x": (4, 20, 3)}
    for taken in (mx.sym.mean(x), mx.sym.mean(x, axis=0), mx.sym.mean(mx.sym.reshape(x, shape=(-1, 0)), 0)):
        assert len(assert_same(taken, shapes, rng)) > 1
    assert len(assert_same(over_samples(mx.sym.var("x")), {"x": (4, 20)}, rng)) == 2


def weight(name):
    return mx.sym.BlockGrad(mx.sym.var(name, shape=(1,)))


@pytest.mark.parametrize("shape", [(1, 3), (20, 3), (4, 20, 3)], ids=str)
def test_sums_and_multiples_of_numbers_are_of_their_program(shape, rng):
    x, y = numbers("x"), numbers("y")
    objective = x - mx.sym.broadcast_mul(y, weight("beta"))
    for taken in (objective, mx.sym.Group([objective, x + y, x, y]), (x + x) - y, mx.sym.Group([x - y, (x - y) + y])):
        assert assert_same(taken, {"x": shape, "y": shape}, rng) == [NAME]


def test_sums_of_what_else_computes_stay_mxnets(rng):
    x, shapes = numbers("x"), {"x": (20, 3), "y": (20,)}
    for taken in (x + mx.sym.var("y"), mx.sym.broadcast_mul(x, mx.sym.var("y")), x * mx.sym.var("y")):
        assert len(assert_same(taken, shapes, rng)) == 2
    other = mx.sym.broadcast_mul(x, mx.sym.var("beta", shape=(1,)))  # which has a gradient
    assert assert_same(other, {"x": (20, 3)}, rng) == [NAME, "broadcast_mul"]


def test_rows_that_programs_make_are_no_numbers(rng):
    x = mx.sym.var("x")
    assert assert_same(layer(x, "h", 5) + layer(x, "o", 5), {"x": (20, 7)}, rng) == [NAME, "elemwise_add"]


def test_numbers_of_different_rows_are_not_added(capfd):
    whole = fused(numbers("x") - numbers("y"))
    with pytest.raises(mx.MXNetError):
        whole.bind(mx.cpu(), {"x": mx.nd.ones((4, 20, 3)), "y": mx.nd.ones((20, 3))})
    assert "(4, 20), (20,): they do not fit" in capfd.readouterr().err


def convolution(x, name, units, activation="tanh"):
    sizes = units, (3, 3), (2, 2), (1, 1)
    layer = compiled.Convolution(mx.sym.var(f"{name}w"), mx.sym.var(f"{name}b"), *sizes, None, activation)
    return compiled.convolutions(x, [layer])


def kinds(symbol):
    """Of the instructions of a graph's programs."""
    programs = [node["attrs"]["program"] for node in json.loads(symbol.tojson())["nodes"] if node["op"] == "Custom"]
    return [[made.kind for made in Program.decoded(program).instructions] for program in programs]


def test_convolutions_keep_their_channels_last_from_one_to_the_next(rng):
    h = convolution(mx.sym.var("x"), "h", 4)
    one, other = convolution(h, "a", 3), convolution(h, "b", 2)
    for taken in (one, mx.sym.Group([one, other]), mx.sym.Group([one, h])):
        for images in (1, 20, 70):
            assert assert_same(taken, {"x": (images, 2, 9, 8)}, rng) == [NAME]
    assert kinds(fused(one)) == [["channels_last", "convolution", "convolution", "channels_first"]]


def test_images_are_not_rows(rng):
    """Of a tensor (N, C, H, W) a row is N's for a convolution, and W's for what takes rows."""
    x = mx.sym.var("x")
    h = convolution(compiled.softplus(x, 0.0), "h", 4)
    for taken in (mx.sym.Group([h, compiled.softplus(x, 0.1)]), layer(h, "a", 3)):
        assert assert_same(taken, {"x": (20, 2, 9, 8)}, rng).count(NAME) > 1


def test_an_elbo_is_one_program_and_its_export_has_none(tmp_path, rng):
    bound = gv.ELBO(small_vae())
    bound.hybridize()
    data, noise = nd(rng.integers(0, 2, (5, 12))), nd(rng.standard_normal((5, 4)))
    expected = bound(data, noise).asnumpy()
    assert operators(bound._cached_graph[1]) == [NAME]
    bound.export(str(tmp_path / "bound"))
    symbol = mx.sym.load(str(tmp_path / "bound-symbol.json"))
    assert "Custom" not in str(json.loads(symbol.tojson())["nodes"])
    again = mx.gluon.SymbolBlock.imports(
        str(tmp_path / "bound-symbol.json"), ["data0", "data1"], str(tmp_path / "bound-0000.params")
    )
    np.testing.assert_allclose(again(data, noise)[0].asnumpy(), expected, rtol=1e-6)
    np.testing.assert_array_equal(bound(data, noise).asnumpy(), expected)


COMPILED = {name: row for name, row in ROWS.items() if "poisson" not in name and "binomial" not in name}
NOT_ADAPTED = {name: row for name, row in COMPILED.items() if not row.adapted}


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("row", NOT_ADAPTED.values(), ids=NOT_ADAPTED)
def test_a_likelihood_is_of_the_program_of_its_network(row, samples, rng):
    bound = gv.IWAE(model(row), samples=samples)
    bound.hybridize()
    bound(nd(row.data(rng, 5, 12)))
    of_programs = kinds(bound._cached_graph[1])
    assert sum("dense" in program for program in of_programs) == 1
    (whole,) = (program for program in of_programs if "dense" in program)
    name = {"gaussian": "normal", "bernoulli_prod": "bernoulli"}.get(row.name, row.name)
    assert whole.count(name) == 1


@pytest.mark.parametrize("row", COMPILED.values(), ids=COMPILED)
def test_an_export_of_a_likelihood_has_no_program(row, tmp_path, rng):
    vae = model(row)
    vae.hybridize()
    vae(nd(row.data(rng, 5, 12)))
    vae.export(str(tmp_path / "vae"))
    assert NAME not in (tmp_path / "vae-symbol.json").read_text()


def test_a_row_that_a_program_computes_is_a_program_before(rng):
    """Its gradient, a sum over all rows, is known when those of the others are."""
    std = compiled.softplus(mx.sym.var("raw"), 0.1)
    x = layer(mx.sym.var("x"), "h", 7)
    density = log_probs.normal(x, compiled.repeat(std, x), mx.sym.BlockGrad(mx.sym.var("x")))
    for size in (1, 7):
        for rows in (1, 20, 70):
            found = assert_same(density, {"x": (rows, 7), "raw": (size,)}, rng)
            assert sorted(found) == ["BlockGrad", NAME, NAME]
