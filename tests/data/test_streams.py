"""Data that come batch by batch."""

import numpy as np
import pytest

from gluonvae.backend.runtime import mx
from gluonvae.batches import as_data
from gluonvae.data import Dataset, Stream, hide_labels
from gluonvae.distributed.sharing import Share

X = np.random.default_rng(0).integers(0, 2, (50, 12)).astype(np.float32)
Y = np.arange(50) % 3


class Batches:
    """Batches that begin anew each time."""

    def __init__(self, *batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


def in_batches(x, *sizes, labels=None):
    ends = np.cumsum(sizes)
    if labels is None:
        return Batches(*np.split(x, ends))
    return Batches(*zip(np.split(x, ends), np.split(labels, ends)))


def loader(*arrays, **options):
    return mx.gluon.data.DataLoader(mx.gluon.data.ArrayDataset(*arrays), **{"batch_size": 20, **options})


def rows(stream, *arguments, **options):
    return [part.values for part in stream.epoch(*arguments, **options)]


STREAMS = {
    "arrays": lambda: in_batches(X, 20, 20),
    "NDArrays": lambda: Batches(mx.nd.array(X[:20]), mx.nd.array(X[20:40]), mx.nd.array(X[40:])),
    "a DataLoader": lambda: loader(X, last_batch="keep"),
    "a DataLoader with workers": lambda: loader(X, num_workers=2),
    "a DataLoader with threads": lambda: loader(X, num_workers=2, thread_pool=True),
    "a DataLoader of NDArrays": lambda: loader(mx.nd.array(X)),
}


@pytest.mark.parametrize("name", STREAMS)
def test_all_rows_in_their_order_and_sizes(name):
    stream = as_data("data", STREAMS[name]())
    assert isinstance(stream, Stream)
    assert (stream.shape, stream.width, stream.batch_size, stream.has_labels) == ((12,), 12, 20, False)
    assert stream.known_rows is None
    for _ in range(2):
        parts = rows(stream, 0)
        assert list(map(len, parts)) == [20, 20, 10]
        np.testing.assert_array_equal(np.concatenate(parts), X)
    assert stream.known_rows == len(stream) == 50


@pytest.mark.parametrize("size", [1, 7, 20, 33, 50, 64])
@pytest.mark.parametrize("skip", [0, 1, 20, 33, 49, 50])
@pytest.mark.parametrize("labels", [None, Y])
def test_another_size_and_rows_left_out(size, skip, labels):
    stream = Stream(in_batches(X, 20, 13, labels=labels))
    parts = list(stream.epoch(0, skip, size))
    left = 50 - skip
    assert [len(part.values) for part in parts] == [size] * (left // size) + [left % size] * (left % size > 0)
    if parts:
        np.testing.assert_array_equal(np.concatenate([part.values for part in parts]), X[skip:])
    for part in parts:
        assert (part.labels is None) == (labels is None)
    if labels is not None and parts:
        np.testing.assert_array_equal(np.concatenate([part.labels for part in parts]), labels[skip:])
    assert stream.known_rows == 50


@pytest.mark.parametrize(("skip", "sizes"), [(0, [20, 20, 10]), (5, [15, 20, 10]), (20, [20, 10]), (41, [9]), (50, [])])
def test_rows_left_out_of_batches_as_they_come(skip, sizes):
    parts = rows(Stream(in_batches(X, 20, 20)), 0, skip)
    assert list(map(len, parts)) == sizes
    np.testing.assert_array_equal(np.concatenate([X[:skip], *parts]), X)


@pytest.mark.parametrize("workers", [0, 2])
def test_what_is_shuffled_follows_the_seed_and_leaves_numpys_generator_alone(workers):
    stream = Stream(loader(X, shuffle=True, num_workers=workers))
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    first, again, other = (np.concatenate(rows(stream, seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first != X).any()
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(X, axis=0))
    assert sorted(map(bytes, first)) == sorted(map(bytes, X))


def test_what_a_transform_draws_follows_the_seed():
    noisy = mx.gluon.data.ArrayDataset(X).transform(lambda row: row + np.random.rand(12).astype(np.float32))
    stream = Stream(mx.gluon.data.DataLoader(noisy, 20))
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    first = np.concatenate(rows(stream, 1))
    assert np.random.rand() == expected
    np.random.rand(1000)
    np.testing.assert_array_equal(np.concatenate(rows(stream, 1)), first)
    assert (np.concatenate(rows(stream, 2)) != first).all(axis=0).any()


def test_others_may_draw_between_two_batches():
    stream = Stream(in_batches(X, 20, 20))
    np.random.seed(5)
    expected = np.random.rand(3)
    np.random.seed(5)
    assert [np.random.rand() for _ in stream.epoch(0)] == list(expected)


@pytest.mark.parametrize(
    "labels", [Y, Y.astype(np.float32), np.eye(3)[Y], np.linspace(0, 1, 100).reshape(50, 2), Y[:, None] / 2]
)
def test_labels(labels):
    for pairs in (in_batches(X, 20, 20, labels=labels), loader(X, labels)):
        stream = Stream(pairs)
        assert stream.has_labels
        parts = list(stream.epoch(0))
        found = np.concatenate([part.labels for part in parts])
        np.testing.assert_allclose(found, labels, rtol=1e-7)
        hidden = hide_labels(stream)
        assert all((part.labels == -1).all() for part in hidden.epoch(0))
        assert [part.labels is None for part in stream.epoch(0)] == [False] * 3
    assert hide_labels(Stream(in_batches(X, 20))).has_labels


def test_missing_labels():
    labels = np.where(Y == 1, np.nan, Y)
    found = [part.labels for part in Stream(in_batches(X, 20, 20, labels=labels)).epoch(0)]
    np.testing.assert_array_equal(np.concatenate(found), np.where(Y == 1, -1, Y))


def test_a_batch_whose_labels_are_all_missing():
    labels = np.where(np.arange(50) < 20, Y, np.nan)
    found = [part.labels for part in Stream(in_batches(X, 20, 20, labels=labels)).epoch(0)]
    np.testing.assert_array_equal(np.concatenate(found), np.where(np.arange(50) < 20, Y, -1))


@pytest.mark.parametrize("nothing", [None, "", float("nan")])
def test_names(nothing):
    names = np.array(["cat", "dog", "owl"], object)[Y]
    names[(np.arange(50) < 20) | (Y == 1)] = nothing  # all of the first batch
    stream = Stream(in_batches(X, 20, 20, labels=names))
    wanted = [-1 if name is nothing else name for name in names]
    for size in (None, 7, 30, 50):
        assert np.concatenate([part.labels for part in stream.epoch(0, size=size)]).tolist() == wanted


def test_pictures_keep_their_shape():
    stream = Stream(Batches(X.reshape(50, 3, 4)))
    assert (stream.shape, stream.width) == ((3, 4), 12)
    np.testing.assert_array_equal(rows(stream, 0)[0], X)


def test_the_digest_is_of_what_is_known_beforehand():
    assert Stream(in_batches(X, 20)).digest() == Stream(in_batches(1 - X, 30)).digest()
    others = [
        in_batches(X, 20),
        in_batches(X, 20, labels=Y),
        in_batches(X.reshape(50, 3, 4), 20),
        in_batches(X[:, 1:], 20),
    ]
    assert len({Stream(other).digest() for other in others}) == len(others)


def once():
    yield X


REFUSED = {
    "a generator": (
        once(),
        TypeError,
        "generator yields its batches once, and each epoch needs all of them: give an object",
    ),
    "an iterator": (iter([X]), TypeError, "list_iterator yields its batches once"),
    "map": (map(np.asarray, [X]), TypeError, "map yields its batches once"),
    "no batch": (Batches(), ValueError, "there is no batch in the data"),
    "rows": (Batches(*X), ValueError, r"a batch must have shape \(B, X\) or \(B, \*shape\), got \(12,\)"),
    "numbers": (range(5), ValueError, r"a batch must have shape \(B, X\) or \(B, \*shape\), got \(\)"),
    "an empty batch": (Batches(X[:0]), ValueError, r"a batch must have shape .*, got \(0, 12\)"),
    "three parts": (Batches((X, Y, Y)), TypeError, "a pair of an array and labels, got 3 parts"),
    "None": (Batches(None), (ValueError, TypeError), "a batch must"),
    "names": (Batches(X.astype(str)), TypeError, "batches must be numbers, got dtype <U"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_stream(name):
    given, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        list(as_data("data", given).epoch(0))


OTHERS = {
    "columns": ((X, X[:, 1:]), ValueError, r"a batch has data points of shape \(11,\), the first has \(12,\)"),
    "shape": ((X, X.reshape(50, 3, 4)), ValueError, r"shape \(3, 4\), the first has \(12,\)"),
    "labels": ((X, (X, Y)), ValueError, "some batches have labels and others have none"),
    "no labels": (((X, Y), X), ValueError, "some batches have labels and others have none"),
    "infinity": ((X, np.where(X == 1, np.inf, 0)), ValueError, r"a batch has inf at \(0, \d+\)"),
    "dtype": ((X, X.astype(complex)), TypeError, "batches must be numbers, got dtype complex"),
    "number of labels": (
        ((X, Y), (X, Y[1:])),
        ValueError,
        r"labels must have shape \(N,\) or \(N, C\) for N = 50 .*, got \(49,\)",
    ),
    "None": ((X, None), (ValueError, TypeError), "a batch must"),
    "nothing": ((X, X[:0], X), ValueError, "a batch must have shape"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_batch_unlike_the_first(name):
    batches, error, message = OTHERS[name]
    stream = Stream(Batches(*batches))
    with pytest.raises(error, match=message):
        list(stream.epoch(0))


def test_what_an_iterable_raises_is_raised():
    class Broken(Batches):
        def __iter__(self):
            yield from self.batches
            raise OSError("the disk has gone")

    stream = Stream(Broken(X))
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    with pytest.raises(OSError, match="the disk has gone"):
        list(stream.epoch(0))
    assert np.random.rand() == expected


def test_arrays_are_no_streams():
    for given in (X, X.tolist(), tuple(X), mx.nd.array(X), mx.gluon.data.SimpleDataset(list(X))):
        assert isinstance(as_data("data", given), Dataset)
    stream = Stream(Batches(X))
    assert as_data("data", stream) is stream


def test_blocks_are_all_rows_in_double_precision():
    stream = Stream(in_batches(X, 20, 20))
    np.testing.assert_array_equal(np.concatenate(list(stream.blocks())), X)
    assert {block.dtype for block in stream.blocks()} == {np.dtype(np.float64)}


class Counted(mx.gluon.data.Dataset):
    """Counts the rows that are read."""

    def __init__(self):
        self.read = []

    def __len__(self):
        return len(X)

    def __getitem__(self, row):
        self.read.append(row)
        return X[row], Y[row]


@pytest.mark.parametrize("size", [2, 3, 7])
@pytest.mark.parametrize("options", [{}, {"shuffle": True}, {"num_workers": 2, "thread_pool": True}], ids=str)
def test_workers_read_their_own_parts_of_a_data_loader(options, size):
    whole = list(Stream(mx.gluon.data.DataLoader(Counted(), 8, **options)).epoch(5))
    parts = []
    for rank in range(size):
        data = Counted()
        stream = Stream(mx.gluon.data.DataLoader(data, 8, **options))
        data.read.clear()
        parts.append(list(stream.shared_epoch(5, 0, None, Share(rank, size))))
        # of a batch of 8 rows every worker reads some, and of the last, of 2, those without a row one for nothing
        ahead = 32 if options.get("num_workers") else 0  # whole batches that the loader had read before
        assert len(data.read) <= -(-8 // size) * 6 + 1 + ahead
        assert stream.known_rows == 50
        data.read.clear()
        assert len(list(stream.epoch(1))) == 7  # the loader is as it was
        assert len(data.read) == 50
    for number, batch in enumerate(whole):
        of_batch = [part[number] for part in parts]
        assert {rows for _, rows in of_batch} == {len(batch.values)}
        np.testing.assert_array_equal(np.concatenate([part.values for part, _ in of_batch]), batch.values)
        np.testing.assert_array_equal(np.concatenate([part.labels for part, _ in of_batch]), batch.labels)


@pytest.mark.parametrize(("skip", "size"), [(0, None), (8, None), (5, 6)])
def test_workers_have_their_own_parts_of_any_iterable(skip, size):
    stream = Stream(Batches(*np.split(X, [8, 20, 21])))
    whole = list(stream.epoch(0, skip, size))
    parts = [list(stream.shared_epoch(0, skip, size, Share(rank, 3))) for rank in range(3)]
    for number, batch in enumerate(whole):
        joined = np.concatenate([part[number][0].values for part in parts])
        np.testing.assert_array_equal(joined, batch.values)
