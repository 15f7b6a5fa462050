"""The same numbers in any form are the same data, to whatever takes data."""

import numpy as np
import pandas
import pytest
import scipy.sparse

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.batches import as_data
from gluonvae.data import Dataset
from gluonvae.data.stores import InMemory, Mapped, Sparse
from tests.helpers.missing import with_holes
from tests.tables.forms import ANY, FORMS, gluon_data, mapped

ROWS, X, CLASSES = 30, 6, 3
COUNTS = np.random.default_rng(0).poisson(2, (ROWS, X))
COUNTS[0, 0] = 17
BITS = (COUNTS > 1).astype(int)
HOLES = with_holes(np.random.default_rng(1), COUNTS / 4, 0.3)
LABELS = np.arange(ROWS) % CLASSES
SIZES = {"generator_layer_sizes": [4], "infer_layer_sizes": [4], "latent_variable_size": 2, "data_dims": X}


def model(**options):
    gv.seed(5)
    vae = gv.construct_vae(**{"likelihood": "poisson", **SIZES, **options})
    vae.initialize()
    return vae


def same(actual, expected):
    np.testing.assert_array_equal(np.asarray(actual), np.asarray(expected))


@pytest.fixture(params=FORMS)
def form(request, tmp_path):
    return lambda array: FORMS[request.param](array, tmp_path)


def test_batches_digest_limits(form):
    plain, data = Dataset(COUNTS.astype(np.float32), binarization="none"), Dataset(form(COUNTS), binarization="none")
    assert (len(data), data.shape, data.width, data.limits) == (ROWS, (X,), X, (0, 17))
    assert data.digest() == plain.with_labels(data.labels).digest()  # those of vision have labels
    for rows in (slice(None), slice(3, 11), slice(None, None, -2), np.array([7, 0, 7])):
        batch = data.batch(rows)
        assert batch.dtype == np.float32
        same(batch, COUNTS[rows])
        same(data.subset(rows).batch(slice(None)), COUNTS[rows])
        same(data.subset(rows).subset(slice(1, 3)).batch(slice(None)), COUNTS[rows][1:3])
    same(np.concatenate(list(data.possible_values())), COUNTS)
    same(np.concatenate(list(data.blocks())), COUNTS)


def test_zeros_and_ones(form):
    data = Dataset(form(BITS))
    assert data.binary
    assert data.limits == (0, 1)
    assert data.digest() == Dataset(BITS.astype(bool), labels=data.labels).digest()
    same(data.batch(slice(None)), BITS)


def test_truth_values():
    for data in (BITS.astype(bool), (BITS > 0).tolist(), scipy.sparse.csr_matrix(BITS > 0), pandas.DataFrame(BITS > 0)):
        same(Dataset(data, binarization="none").batch(slice(None)), BITS)


GREY = {"dynamic": None, "threshold": BITS * 0, "grey": (COUNTS / 255).astype(np.float32), "bytes": COUNTS}


@pytest.mark.parametrize("dtype", ["uint8", "int64", "uint16", ">i2"])
@pytest.mark.parametrize("where", ["memory", "file", "sparse", "data set"])
def test_grey_values(where, dtype, tmp_path):
    forms = {
        "memory": lambda array: array,
        "file": lambda array: mapped(array, tmp_path),
        "sparse": lambda array: scipy.sparse.csr_matrix(array.astype(dtype.replace(">", ""))),
        "data set": lambda array: gluon_data.SimpleDataset(list(array)),
    }
    given = forms[where](COUNTS.astype(dtype))
    for name, expected in GREY.items():
        data = Dataset(given, binarization=name, white=255)
        plain = Dataset(COUNTS.astype(np.uint8), binarization=name)
        assert data.digest() == plain.digest()
        assert data.limits == (0, 255 if name == "bytes" else 1)
        gv.seed(2)
        drawn = data.batch(slice(None))
        gv.seed(2)
        same(drawn, plain.batch(slice(None)))
        if expected is not None:
            same(drawn, expected)
        same(data.drawn_once(4).batch(slice(None)), plain.drawn_once(4).batch(slice(None)))
    once = Dataset(given, binarization="once", white=255, seed=4)
    same(once.batch(slice(None)), Dataset(COUNTS.astype(np.uint8), binarization="once", seed=4).batch(slice(None)))


CALLS = {
    "evaluate": lambda x: gv.evaluate(gv.ELBO(model()), x),
    "log_marginal_likelihood": lambda x: gv.log_marginal_likelihood(model(), x, samples=5).log_likelihood,
    "kl_by_layer": lambda x: gv.kl_by_layer(
        model(latent_type="hierarchical", prior="hierarchical", latent_variable_size=[2, 2]), x
    ),
    "perplexity": lambda x: gv.perplexity(
        model(latent_type="vector_quantized", prior="codebook", latent_options={"code_size": 2}), x
    )[0],
}


@pytest.fixture(scope="module")
def expected():
    """What each call gives for the plain array."""
    return {name: call(COUNTS.astype(np.float32)) for name, call in CALLS.items()}


@pytest.mark.parametrize("name", CALLS)
def test_what_evaluates(name, form, expected):
    same(CALLS[name](form(COUNTS)), expected[name])


def fitted(train, mode, **options):
    """What a training leaves: its history, and the parameters."""
    vae = model(**options)
    bound = gv.ELBO(vae)
    if mode == "hybrid":
        bound.hybridize(static_alloc=True, static_shape=True)
    history = gv.fit(bound, train, train, epochs=2, batch_size=8, progress=False)
    numbers = [list(row.values()) for row in history.rows]
    columns = [place for place, name in enumerate(history.rows[0]) if name not in ("seconds", "images_per_second")]
    parameters = [of.data().asnumpy().ravel() for of in vae.collect_params().values()]
    return np.concatenate([np.array(numbers)[:, columns].ravel(), *parameters])


@pytest.fixture(scope="module")
def fitted_to_the_plain_array():
    return {mode: fitted(COUNTS.astype(np.float32), mode) for mode in ("imperative", "hybrid")}


@pytest.mark.parametrize("mode", ["imperative", "hybrid"])
def test_fit(mode, form, fitted_to_the_plain_array):
    same(fitted(form(COUNTS), mode), fitted_to_the_plain_array[mode])


NAN = {
    **ANY,
    "masked": lambda array, folder: np.ma.masked_invalid(array),
    "masked whole numbers": lambda array, folder: np.ma.MaskedArray(
        np.nan_to_num(4 * array).astype(int), np.isnan(array)
    ),
    "a sparse matrix that says so": lambda array, folder: scipy.sparse.csr_matrix(array),
    "lists": lambda array, folder: array.tolist(),
}


@pytest.mark.parametrize("form", NAN)
def test_missing_values(form, tmp_path):
    scale = 4 if form == "masked whole numbers" else 1
    wanted, given = scale * HOLES, NAN[form](HOLES, tmp_path)
    data = Dataset(given, binarization="none")
    same(data.batch(slice(None)), wanted.astype(np.float32))
    first = tuple(int(i) for i in np.argwhere(np.isnan(HOLES))[0])
    assert (data.summary.missing, data.summary.first_missing) == (np.isnan(HOLES).sum(), first)

    def imputed(x):
        vae = model(likelihood="gaussian", likelihood_options={"missing": True})
        return vae.impute(x, samples=4)

    same(imputed(given), imputed(wanted.astype(np.float32)))
    with pytest.raises(ValueError, match=r"data has nan at .*" + f"{first[0]}, {first[1]}"):
        gv.evaluate(gv.ELBO(model(likelihood="gaussian")), given)


def semi_supervised():
    return model(label_size=CLASSES, classifier_layer_sizes=[4])


LABELLED = {
    "ArrayDataset": lambda x, y: gluon_data.ArrayDataset(x, y),
    "ArrayDataset of NDArrays": lambda x, y: gluon_data.ArrayDataset(mx.nd.array(x), mx.nd.array(y)),
    "ArrayDataset of lists": lambda x, y: gluon_data.ArrayDataset(list(x), list(y)),
    "SimpleDataset of pairs": lambda x, y: gluon_data.SimpleDataset(list(zip(x, y))),
    "transformed": lambda x, y: gluon_data.ArrayDataset(x / 2, y).transform_first(lambda row: row * 2),
    "transformed with its label": lambda x, y: gluon_data.ArrayDataset(x, y - 1).transform(
        lambda row, of: (row, of + 1)
    ),
}


@pytest.mark.parametrize("form", LABELLED)
def test_labels_that_come_with_the_values(form):
    given = LABELLED[form](COUNTS.astype(np.float32), LABELS)
    same(Dataset(given, binarization="none").labels, LABELS)
    plain = Dataset(COUNTS, binarization="none", labels=LABELS)
    vae = semi_supervised()
    assert gv.accuracy(vae, given) == gv.accuracy(vae, plain)
    bound = gv.SemiSupervisedELBO(vae)
    same(gv.evaluate(bound, given), gv.evaluate(bound, plain))
    # a model without labels takes the values alone
    same(gv.evaluate(gv.ELBO(model()), given), gv.evaluate(gv.ELBO(model()), COUNTS))


def test_a_part_of_a_gluon_data_set(tmp_path):
    plain = gluon_data.ArrayDataset(COUNTS.astype(np.float32), LABELS)
    for given, rows in ((plain.take(10), slice(10)), (plain.shard(3, 1), slice(10, 20))):
        data = Dataset(given, binarization="none")
        same(data.batch(slice(None)), COUNTS[rows])
        same(data.labels, LABELS[rows])
    even = plain.filter(lambda pair: pair[1] == 0)
    same(Dataset(even, binarization="none").batch(slice(None)), COUNTS[LABELS == 0])


def test_pictures_of_a_data_set_of_vision_keep_their_shape(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (10, 4, 3, 3), dtype=np.uint8)
    data = Dataset(FORMS["of vision's kind"](pictures, tmp_path))
    assert data.shape == (4, 3, 3)
    assert data.store.dtype == np.uint8
    assert data.digest() == Dataset(pictures, labels=data.labels).digest()
    by_item = Dataset(gluon_data.SimpleDataset(list(pictures)))
    assert by_item.shape == (4, 3, 3)
    assert by_item.digest() == Dataset(pictures).digest()


def test_nothing_is_copied(tmp_path):
    array, file = COUNTS.astype(np.float32), mapped(COUNTS.astype(np.float32), tmp_path)
    for given, kind in ((array, InMemory), (file, Mapped), (file[3:], Mapped), (np.asarray(file), Mapped)):
        store = Dataset(given, binarization="none").store
        assert isinstance(store, kind)
        assert np.shares_memory(store.values, given)
    sparse = scipy.sparse.csr_matrix(array)
    store = Dataset(sparse, binarization="none").store
    assert isinstance(store, Sparse)
    assert np.shares_memory(store.matrix.data, sparse.data)
    assert np.shares_memory(as_data("data", array).store.values, array)
    assert np.shares_memory(Dataset(array, binarization="none").subset(slice(5)).store.values, array)


@pytest.mark.parametrize("order", ["C", "F"])
def test_pictures_of_a_mapped_file_are_not_copied(order, tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (10, 4, 3, 3), dtype=np.uint8)
    file = mapped(np.asarray(pictures, order=order), tmp_path)
    data = Dataset(file)
    assert np.shares_memory(data.store.values, file)
    assert (data.shape, data.digest()) == ((4, 3, 3), Dataset(pictures).digest())
    np.testing.assert_array_equal(data.store.take(np.array([7, 2])), pictures[[7, 2]].reshape(2, 36))


def test_names_of_columns_are_kept():
    frame = pandas.DataFrame(COUNTS, columns=list("abcdef"))
    assert Dataset(frame, binarization="none").columns == tuple("abcdef")
    assert Dataset(frame.rename(columns={"a": 7}), binarization="none").columns == ("7", *"bcdef")


REFUSED = {
    "a pair": ((COUNTS, LABELS), TypeError, "got a pair: pass labels as labels="),
    "labels": (LABELS, ValueError, "looks like labels, not images"),
    "names": (np.array([["a", "b"]]), TypeError, "must be numbers, got dtype <U1"),
    "complex": (COUNTS * 1j, TypeError, "must be numbers, got dtype complex128"),
    "dates": (np.zeros((2, 2), "M8[s]"), TypeError, "must be numbers, got dtype datetime64"),
    "objects": (np.array([[{}, 1]], object), TypeError, "must be numbers, got dtype object"),
    "records": (np.zeros((3, 2), [("a", "f4")]), TypeError, "must be numbers, got dtype"),
    "a frame with names": (pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}), TypeError, "the column 'b' is not of numbers"),
    "nothing": (np.zeros((0, 3)), ValueError, r"at least one image, got shape \(0, 3\): it is empty"),
    "no columns": (np.zeros((3, 0)), ValueError, r"it is empty"),
    "an empty sparse matrix": (scipy.sparse.csr_matrix((0, 3)), ValueError, "it is empty"),
    "an empty list": ([], ValueError, "it is empty"),
    "an empty data set": (gluon_data.SimpleDataset([]), ValueError, "at least one item: it is empty"),
    "a complex sparse matrix": (scipy.sparse.csr_matrix(COUNTS * 1j), TypeError, "must be numbers, got dtype complex128"),
    "items of three": (gluon_data.ArrayDataset(COUNTS, LABELS, LABELS), TypeError, "pairs of a value and its label, got 3"),
    "items of unlike sizes": (gluon_data.SimpleDataset([COUNTS[0], COUNTS[1, :3]]), ValueError, r"item 1 has shape \(3,\), item 0 has \(6,\)"),
    "items that are names": (gluon_data.SimpleDataset(["a", "b"]), TypeError, "must be numbers"),
    "items that are numbers": (gluon_data.SimpleDataset([1, 2]), ValueError, "looks like labels"),
    "rows of unlike sizes": ([[1, 2], [3]], (ValueError, TypeError), "got dtype object: texts, None, or rows of unlike lengths"),
    "pictures of unlike sizes": ([COUNTS[:2], COUNTS[:2, :3]], TypeError, "got dtype object: texts, None, or rows of unlike lengths"),
    "infinity": (np.where(COUNTS == 17, np.inf, 0), ValueError, r"has inf at \(0, 0\)"),
    "infinity in a sparse matrix": (scipy.sparse.csr_matrix(np.where(COUNTS == 17, -np.inf, 0)), ValueError, "has -inf at"),
    "beyond float32": (np.where(COUNTS == 17, 1e39, 0), ValueError, r"has 1e\+39 at \(0, 0\), and a float32 holds at most"),
    "all missing": (np.full((3, 2), np.nan), ValueError, "all values are missing"),
    "all masked": (np.ma.masked_all((3, 2)), ValueError, "all values are missing"),
    "none": (None, (ValueError, TypeError), "must"),
    "a word": ("digits", (ValueError, TypeError), "must"),
    "a dict": ({"a": 1}, (ValueError, TypeError), "must"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::numpy.VisibleDeprecationWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_data(name):
    given, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        Dataset(given, binarization="none")


SHAPES = {
    "rows as pictures": ((4, 12), (3, 4), (3, 4)),
    "the same": ((4, 3, 4), (3, 4), (3, 4)),
    "a channel more": ((4, 3, 4), (3, 4, 1), (3, 4, 1)),
    "a channel less": ((4, 1, 3, 4), (3, 4), (3, 4)),
    "channels at the other end": ((4, 3, 5, 6), (5, 6, 3), (3, 5, 6)),
    "channels at the front": ((4, 5, 6, 3), (3, 5, 6), (5, 6, 3)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name):
    given, asked, found = SHAPES[name]
    assert Dataset(np.zeros(given), asked).shape == found


@pytest.mark.parametrize(("given", "asked"), [((4, 3, 4), (4, 3)), ((4, 3, 4), (12,)), ((4, 3, 4), (2, 6)), ((4, 5, 6, 3), (6, 5, 3))])  # fmt: skip
def test_pictures_are_not_read_as_others(given, asked):
    with pytest.raises(ValueError, match="was asked for, and the images have shape"):
        Dataset(np.zeros(given), asked)
