"""Processes that are forked after a step, and calls from several threads."""

import ast
import contextlib
import multiprocessing.pool
import threading

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend import installation
from gluonvae.backend.environment import ENGINES
from tests.helpers import MODES, pixels, set_mode, small_vae
from tests.helpers.processes import python


def train(seed, likelihood="bernoulliProd"):
    """A short training: the last bound, and a mean of images drawn."""
    if seed is not None:
        gv.seed(seed)
    vae = small_vae(likelihood=likelihood)
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    data = np.eye(12, dtype=np.float32)
    fitted = gv.fit(bound, data, epochs=2, batch_size=4, progress=False)["train_bound"][-1]
    return fitted, gv.evaluate(bound, data).bound, float(vae.phantasize(5).mean().asscalar())


def forked(calls):
    """What calls of ``train`` return in one forked process each, side by side."""
    with contextlib.ExitStack() as stack:  # a pool each: of one pool, a process may take two calls
        pools = [stack.enter_context(multiprocessing.get_context("fork").Pool(1)) for _ in calls]
        return [one.get(timeout=60) for one in [pool.apply_async(train, call) for pool, call in zip(pools, calls)]]


def test_a_forked_process_trains_as_its_parent():
    wanted = {call: train(*call) for call in ((3, "bernoulliProd"), (3, "poisson"), (4, "poisson"))}
    for call, got in zip(wanted, forked(list(wanted))):
        np.testing.assert_allclose(got, wanted[call], rtol=1e-5)  # its one thread may sum in another order
    assert train(3) == wanted[3, "bernoulliProd"]


def test_a_process_forked_after_a_seed_goes_on_as_its_parent():
    gv.seed(5)
    one, two = forked([(None,), (None,)])
    assert one == two
    np.testing.assert_allclose(one, train(None), rtol=1e-5)


def test_a_forked_process_has_one_thread():
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(installation.threads).get(timeout=60) == 1


FORK = """
from tests.backend.test_processes import forked, train
import gluonvae as gv
print(*train(None)), print(*forked([(None,), (None,)])), print(forked([(3,)])[0]), print(train(3))
"""


@pytest.mark.parametrize(
    "environment",
    [{"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "2", "MXNET_ENGINE_TYPE": "ThreadedEngine"}],
)
def test_forks_under_other_threads_and_engines(environment):
    _, unseeded, child, parent = python(FORK, **environment).stdout.splitlines()
    np.testing.assert_allclose(*map(ast.literal_eval, (child, parent)), rtol=1e-5)
    one, two = unseeded.replace(") (", ")|(").split("|")
    assert one != two


FORK_AT_ONCE = """
import os
import gluonvae, mxnet as mx
for _ in range(20):
    mx.nd.add_n(*[mx.nd.zeros(1) for _ in range(1000)])  # whose thread frees 1000 arrays after it
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fork_right_after_an_operator(engine):
    python(FORK_AT_ONCE, MXNET_ENGINE_TYPE=engine)


ENTRIES = {
    "model": lambda vae, bound, data: vae(data),
    "bound": lambda vae, bound, data: bound(data),
    "terms": lambda vae, bound, data: bound.terms(data),
    "other bound": lambda vae, bound, data: gv.IWAE(vae, samples=2)(data),
    "draw": lambda vae, bound, data: vae.phantasize(2),
    "reconstruct": lambda vae, bound, data: vae.generate_reconstructions(data, 2),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_second_thread_in_the_same_model_is_refused(entry, mode, rng):
    vae, data = small_vae(), pixels(rng, 3)
    bound = gv.ELBO(vae)
    set_mode(bound, mode)
    set_mode(vae, mode)
    errors = []

    def second():
        try:
            ENTRIES[entry](vae, bound, data)
        except RuntimeError as error:
            errors.append(str(error))

    def in_a_thread(*_):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()

    for call in (vae, bound):
        hook = call.register_forward_pre_hook(in_a_thread)
        call(data)
        hook.detach()
    assert len(errors) == 2
    assert "another thread is computing with this GaussianVAE" in errors[0]
    in_a_thread()  # in turn, each thread may
    assert len(errors) == 2


def test_a_call_that_fails_leaves_the_model_to_others(rng):
    vae = small_vae()
    with pytest.raises(ValueError, match="data must have shape"):
        vae(pixels(rng, 3)[:, :5])
    with multiprocessing.pool.ThreadPool(1) as pool:
        assert pool.apply(gv.ELBO(vae), (pixels(rng, 3),)).shape == (3,)


def test_threads_with_models_of_their_own_are_not_refused():
    with multiprocessing.pool.ThreadPool(3) as pool:
        assert np.isfinite(pool.map(train, [None] * 3)).all()


def test_what_another_thread_held_at_a_fork_does_not_hold_in_the_child(rng):
    vae, data = small_vae(), pixels(rng, 3)
    inside, leave = threading.Event(), threading.Event()
    hook = vae.register_forward_pre_hook(lambda *_: (inside.set(), leave.wait(60)))
    thread = threading.Thread(target=vae, args=(data,))
    thread.start()
    inside.wait()
    hook.detach()
    try:
        with pytest.raises(RuntimeError, match="another thread"):
            vae(data)
        child = multiprocessing.get_context("fork").Process(target=vae, args=(data,))
        child.start()
        child.join(60)
    finally:
        leave.set()
        thread.join()
    assert child.exitcode == 0
