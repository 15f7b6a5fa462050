"""Inputs are checked at each call, also after one whose inputs were right."""

import copy
import pickle

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.regions import alike
from gluonvae.backend.runtime import mx

ROWS, DIMS, LATENT = 6, 12, 3


@pytest.fixture(params=[False, True], ids=["imperative", "hybridised"])
def bound(request):
    vae = gv.construct_vae(
        data_dims=DIMS, latent_variable_size=LATENT, infer_layer_sizes=[5], generator_layer_sizes=[5]
    )
    vae.initialize()
    made = gv.ELBO(vae)
    if request.param:
        made.hybridize()
    return made


def given(dtype="float32"):
    return mx.nd.ones((ROWS, DIMS), dtype=dtype), mx.nd.zeros((ROWS, LATENT), dtype=dtype)


WRONG = {
    "data of another width": (mx.nd.ones((ROWS, DIMS + 1)), given()[1], ValueError, "data must have shape"),
    "data with another axis": (mx.nd.ones((1, ROWS, DIMS)), given()[1], ValueError, "data must have shape"),
    "data of another dtype": (given("float64")[0], given()[1], TypeError, "data must be float32"),
    "data of numpy": (np.ones((ROWS, DIMS), np.float32), given()[1], TypeError, "mxnet NDArray"),
    "grey data": (given()[0] / 2, given()[1], ValueError, "0 or 1 everywhere"),
    "NaN": (given()[0] * np.nan, given()[1], ValueError, "nan at"),
    "noise of other rows": (given()[0], mx.nd.zeros((ROWS + 1, LATENT)), ValueError, "noise must have shape"),
    "noise of another width": (given()[0], mx.nd.zeros((ROWS, LATENT + 1)), ValueError, "noise must have shape"),
    "noise of another dtype": (given()[0], given("float64")[1], TypeError, "noise must be float32"),
    "noise for other data": (mx.nd.ones((ROWS + 1, DIMS)), given()[1], ValueError, "noise must have shape"),
}


@pytest.mark.parametrize(("data", "noise", "error", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_refused_after_what_is_right(bound, data, noise, error, message):
    for _ in range(3):
        bound(*given())
    with pytest.raises(error, match=message):
        bound(data, noise)
    bound(*given())


def test_a_model_in_another_dtype_refuses_what_it_accepted_before(bound):
    bound(*given())
    bound.vae.cast("float64")
    with pytest.raises(TypeError, match="data must be float64"):
        bound(*given())
    with pytest.raises(TypeError, match="noise must be float64"):
        bound(given("float64")[0], given()[1])
    bound(*given("float64"))


def test_noise_of_other_samples_is_refused_by_a_bound_with_another_number(bound):
    iwae = gv.IWAE(bound.vae, samples=4)
    noise = mx.nd.zeros((4, ROWS, LATENT))
    iwae(given()[0], noise)
    iwae(given()[0], noise)
    with pytest.raises(ValueError, match="noise must have shape"):
        bound(given()[0], noise)
    with pytest.raises(ValueError, match="noise must have shape"):
        iwae(*given())


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda of: pickle.loads(pickle.dumps(of))], ids=["copy", "pickle"]
)
def test_copies_accept_the_same(bound, duplicate):
    first = bound(*given()).asnumpy()
    np.testing.assert_array_equal(duplicate(bound)(*given()).asnumpy(), first)


@pytest.mark.skipif(not alike.available(), reason="there are no regions here")
def test_what_is_like_an_accepted_tensor():
    last, tensor = alike.LastAccepted(), mx.nd.array([[1, 2], [3, 4]])
    assert last.values_if_like(tensor, "key") is None
    last.remember(tensor, "key")
    other = mx.nd.array([[5, 6], [7, 8]])
    np.testing.assert_array_equal(last.values_if_like(other, "key"), other.asnumpy())
    unlike = [other.reshape((4,)), other.reshape((1, 2, 2)), other.reshape((4, 1)), other.astype("float64")]
    unlike += [other.tostype("row_sparse"), other.asnumpy(), None, mx.sym.var("x")]
    assert not any(last.values_if_like(of, "key") is not None for of in unlike)
    assert last.values_if_like(other, "another") is None
    last.remember(other.astype("int32"), "key")
    assert last.values_if_like(other, "key") is None
