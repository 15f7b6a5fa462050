"""Workers that take steps by themselves before their parameters are averaged.

``python -m tests.distributed.test_local_steps DTYPE`` is a worker; it prints its parameters.
"""

import json
import sys

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.distributed.sharing import Share
from tests.distributed.trainings import images
from tests.helpers import small_vae
from tests.helpers.workers import outputs

STEPS, EACH, BATCH = 6, 2, 10


def made(dtype, moves):
    """A bound and its parameters; those of ``moves`` have been changed."""
    gv.seed(3)
    vae = small_vae()
    vae.cast(dtype)
    bound = gv.ELBO(vae)
    parameters = [*vae.collect_params().values()]
    for parameter in parameters:
        parameter.set_data(parameter.data() + moves)
    gv.seed(4)
    return bound, parameters


def step(bound, trainer, noise, number, part):
    data = mx.nd.array(images()[number * 5 :][:BATCH][part], dtype=bound.vae.dtype)
    with mx.autograd.record():
        loss = -bound(data, gv.distributed.rows_of(noise, part))
    loss.backward()
    trainer.step(part.stop - part.start)


def worker(dtype):
    group = gv.distributed.current()
    bound, parameters = made(dtype, 0.01 * group.rank)
    with gv.distributed.alone():
        trainer = gv.Trainer(bound.vae.collect_params(), "adam", {"learning_rate": 0.01, "epsilon": 1e-3})
    group.average(bound.vae.collect_params())
    for number in range(STEPS):
        step(bound, trainer, bound.draw_noise(BATCH), number, group.part(BATCH))
        if (number + 1) % EACH == 0:
            group.average(parameters)
    print(json.dumps([parameter.data().asnumpy().tolist() for parameter in parameters]))


def one_after_another(size, dtype):
    """The same by one process: the parameters that all have at the end, as NumPy averages them."""
    workers = [made(dtype, 0.01 * rank) for rank in range(size)]
    trainers = [gv.Trainer(of, "adam", {"learning_rate": 0.01, "epsilon": 1e-3}) for _, of in workers]

    def average():
        for same in zip(*(of for _, of in workers)):
            mean = np.mean([one.data().asnumpy().astype(np.float64) for one in same], axis=0)
            for one in same:
                one.set_data(mx.nd.array(mean, dtype=dtype))

    average()
    for number in range(STEPS):
        noise = workers[0][0].draw_noise(BATCH)
        for rank, ((bound, _), trainer) in enumerate(zip(workers, trainers)):
            step(bound, trainer, noise, number, Share(rank, size).part(BATCH))
        if (number + 1) % EACH == 0:
            average()
    return [one.data().asnumpy() for one in workers[0][1]]


@pytest.mark.parametrize(("size", "dtype", "tolerance"), [(2, "float32", 1e-6), (3, "float64", 1e-13)])
def test_local_steps(size, dtype, tolerance):
    first, *others = outputs(size, "-m", "tests.distributed.test_local_steps", dtype)
    assert others == [first] * (size - 1)
    expected = one_after_another(size, dtype)
    for own, wanted in zip(json.loads(first), expected):
        np.testing.assert_allclose(own, wanted, rtol=tolerance, atol=tolerance)


def test_one_process_has_no_one_to_average_with():
    _, parameters = made("float32", 0)
    before = [parameter.data().asnumpy() for parameter in parameters]
    gv.distributed.current().average(parameters)
    for parameter, values in zip(parameters, before):
        np.testing.assert_array_equal(parameter.data().asnumpy(), values)


if __name__ == "__main__":
    worker(sys.argv[1])
