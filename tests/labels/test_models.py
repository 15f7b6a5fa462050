"""Models that know classes as the data have them."""

import numpy as np
import pytest
from allpairspy import AllPairs

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.data import Dataset
from gluonvae.labels import as_labels
from gluonvae.training.run import load_run
from tests.helpers import MODES, nd, set_mode, small_vae

N = 60
NUMBERS = np.arange(N) % 3
# pixels that say which class it is, and some that do not
X = np.concatenate([np.repeat(np.eye(3)[NUMBERS], 3, axis=1), np.random.default_rng(0).integers(0, 2, (N, 3))], axis=1)
NAMES = np.array(["cat", "dog", "owl"])

# labels, and what the model calls its classes
WAYS = {
    "names": (NAMES[NUMBERS], ("cat", "dog", "owl")),
    "bytes": (NAMES[NUMBERS].astype("S"), ("cat", "dog", "owl")),
    "objects": (NAMES[NUMBERS].astype(object), ("cat", "dog", "owl")),
    "from 1": (NUMBERS + 1, (1, 2, 3)),
    "far apart": (np.array([3, 1000, 10**6])[NUMBERS], (3, 1000, 10**6)),
    "fractions that are whole": (NUMBERS + 4.0, (4, 5, 6)),
}


def data(labels, rows=slice(None)):
    return Dataset(X[rows], binarization="none", labels=labels[rows])


def conditional(mode="imperative", make=gv.ELBO, **options):
    gv.seed(3)
    bound = make(small_vae(label_size=3, **options))
    set_mode(bound, mode)
    return bound


def semi_supervised(mode="imperative"):
    return conditional(mode, gv.SemiSupervisedELBO, classifier_layer_sizes=[5])


def fitted(bound, train, valid=None, **options):
    gv.seed(4)
    history = gv.fit(bound, train, valid, batch_size=20, progress=False, **{"epochs": 2, **options})
    found = [of.data().asnumpy().ravel() for of in bound.vae.collect_params().values()]
    return np.concatenate([*found, history["train_bound"], *([history["valid_bound"]] if valid is not None else [])])


@pytest.mark.parametrize(
    ("way", "make", "mode"), AllPairs([list(WAYS), [conditional, semi_supervised], ["imperative", "static_shape"]])
)
def test_it_is_the_model_of_the_numbers(way, make, mode):
    labels, names = WAYS[way]
    bound, of_numbers = make(mode), make(mode)
    np.testing.assert_array_equal(
        fitted(bound, data(labels), data(labels)), fitted(of_numbers, data(NUMBERS), data(NUMBERS))
    )
    assert bound.vae.class_names == names
    assert of_numbers.vae.class_names is None
    # also where some of the classes are not there
    few = np.flatnonzero(NUMBERS > 0)
    assert gv.evaluate(bound, data(labels, few)) == gv.evaluate(of_numbers, data(NUMBERS, few))
    for one, number in zip(names, range(3)):
        gv.seed(6)
        drawn = bound.vae.phantasize(5, label=one)
        gv.seed(6)
        np.testing.assert_array_equal(drawn.asnumpy(), of_numbers.vae.phantasize(5, label=number).asnumpy())
    given = [bound(mx.nd.array(X[:7]), mx.nd.zeros((7, 4)), of) for of in (labels[:7], np.eye(3)[NUMBERS[:7]])]
    np.testing.assert_array_equal(given[0].asnumpy(), given[1].asnumpy())


class Batches:
    """Batches of rows and their labels, as lists."""

    def __init__(self, labels, size=25):
        self.parts = [(X[row : row + size], list(labels[row : row + size])) for row in range(0, N, size)]

    def __iter__(self):
        return iter(self.parts)


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
@pytest.mark.parametrize("make", [conditional, semi_supervised])
def test_names_in_batches(make, mode):
    bound, of_numbers = make(mode), make(mode)
    bound.vae.class_names = ("cat", "dog", "owl")
    names, numbers = Batches(NAMES[NUMBERS]), Batches(NUMBERS)
    np.testing.assert_array_equal(fitted(bound, names, names), fitted(of_numbers, numbers, numbers))
    assert gv.evaluate(bound, names) == gv.evaluate(of_numbers, numbers) == gv.evaluate(bound, data(NAMES[NUMBERS]))
    with pytest.raises(
        ValueError, match=r"rows 0 to 59 of the data: label 'cow' is none of the 3 classes .*: cat, dog"
    ):
        gv.evaluate(bound, Batches(np.where(NUMBERS == 1, "cow", "cat")))


def test_names_in_batches_of_which_some_are_missing():
    bound, of_numbers = semi_supervised(), semi_supervised()
    bound.vae.class_names = ("cat", "dog", "owl")
    hidden = (np.arange(N) % 4 > 0) | (np.arange(N) < 25)  # all of the first batch
    names, numbers = np.where(hidden, None, NAMES[NUMBERS]), np.where(hidden, -1, NUMBERS)
    np.testing.assert_array_equal(fitted(bound, Batches(names)), fitted(of_numbers, Batches(numbers)))


def test_names_in_batches_after_those_of_a_data_set():
    bound, of_numbers = conditional(), conditional()
    found = fitted(bound, Batches(NAMES[NUMBERS]), data(NAMES[NUMBERS]))
    np.testing.assert_array_equal(found, fitted(of_numbers, Batches(NUMBERS), data(NUMBERS)))
    assert bound.vae.class_names == ("cat", "dog", "owl")


def test_names_in_batches_that_are_not_known():
    with pytest.raises(ValueError, match=r"labels are names, such as 'cat', .* set them as vae\.class_names"):
        fitted(conditional(), Batches(NAMES[NUMBERS]))
    late = np.where(np.arange(N) < 40, None, NAMES[NUMBERS])
    with pytest.raises(ValueError, match=r"rows 40 to 59 of the data: labels are names"):
        gv.evaluate(semi_supervised(), Batches(late, size=40), batch_size=20)
    bound = conditional()
    fitted(bound, data(NUMBERS))
    with pytest.raises(ValueError, match="and the model knows its classes by number"):
        fitted(bound, Batches(NAMES[NUMBERS]))


def test_names_in_batches_come_back_with_a_run(tmp_path):
    vae = gv.construct_vae(
        data_dims=12, latent_variable_size=2, generator_layer_sizes=[4], infer_layer_sizes=[4], label_size=3
    )
    vae.initialize()
    vae.class_names = ("cat", "dog", "owl")
    gv.fit(gv.ELBO(vae), Batches(NAMES[NUMBERS]), epochs=1, progress=False, folder=tmp_path / "run")
    vae, config = load_run(tmp_path / "run", mx.cpu())
    assert (vae.class_names, config["classes"]) == (("cat", "dog", "owl"), True)


@pytest.fixture(scope="module")
def fitted_to_numbers():
    numbers = np.where(np.arange(N) % 4 > 0, -1, NUMBERS)
    return fitted(semi_supervised(), data(numbers), data(NUMBERS), epochs=15, learning_rate=0.04)


@pytest.mark.parametrize("missing", [None, float("nan"), "", "masked"])
def test_names_of_which_some_are_missing(missing, fitted_to_numbers):
    hidden = np.arange(N) % 4 > 0
    names = NAMES[NUMBERS].astype(object)
    labels = np.ma.MaskedArray(names, hidden) if missing == "masked" else np.where(hidden, missing, names)
    bound = semi_supervised()
    found = fitted(bound, data(labels), data(NAMES[NUMBERS]), epochs=15, learning_rate=0.04)
    np.testing.assert_array_equal(found, fitted_to_numbers)
    assert gv.accuracy(bound.vae, data(NAMES[NUMBERS])) == 1  # the pixels say it
    with pytest.raises(ValueError, match="labels are missing: leave these data points out"):
        fitted(conditional(), data(labels))


def test_few_labels_are_kept_of_names():
    few = gv.data.keep_few_labels(data(NAMES[NUMBERS]), 6, seed=1)
    of_numbers = gv.data.keep_few_labels(data(NUMBERS), 6, seed=1)
    np.testing.assert_array_equal(few.labels, of_numbers.labels)
    assert few.class_names == ("cat", "dog", "owl")
    bound, other = semi_supervised(), semi_supervised()
    np.testing.assert_array_equal(fitted(bound, few), fitted(other, of_numbers))
    assert gv.accuracy(bound.vae, data(NAMES[NUMBERS])) == gv.accuracy(other.vae, data(NUMBERS))
    hidden = gv.data.hide_labels(data(NAMES[NUMBERS]))
    assert gv.evaluate(bound, hidden) == gv.evaluate(other, gv.data.hide_labels(data(NUMBERS)))


def test_hidden_labels_say_nothing_of_the_classes():
    bound = semi_supervised()
    gv.evaluate(bound, gv.data.hide_labels(data(NUMBERS)))
    fitted(bound, data(NUMBERS + 1))
    assert bound.vae.class_names == (1, 2, 3)


OTHERS = {
    "names after numbers": (NUMBERS, NAMES[NUMBERS], "labels are names, such as 'cat', and the model knows its classes by number"),
    "numbers after names": (NAMES[NUMBERS], NUMBERS, "label 0 is none of the 3 classes of the model: cat, dog, owl"),
    "from 1 after from 0": (NUMBERS, NUMBERS + 1, "labels must be whole numbers from 0 to 2, got int64 from 1 to 3"),
    "from 0 after from 1": (NUMBERS + 1, NUMBERS, "label 0 is none of the 3 classes of the model: 1, 2, 3"),
    "another name": (NAMES[NUMBERS], np.array(["cat", "cow", "dog"])[NUMBERS], "label 'cow' is none of the 3 classes"),
    "fractions": (NUMBERS + 1, NUMBERS + 0.5, "labels are numbers such as 0.5, and the model knows classes: 1, 2, 3"),
    "four names": (NUMBERS, np.array(list("abcd"))[np.arange(N) % 4], "labels are names, such as 'a'"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_data_of_other_classes(name):
    first, second, message = OTHERS[name]
    bound = conditional()
    fitted(bound, data(first))
    with pytest.raises(ValueError, match=f"data: {message}"):
        gv.evaluate(bound, data(second))
    with pytest.raises(ValueError, match=f"valid: {message}"):
        fitted(conditional(), data(first), data(second))


def test_a_part_without_some_of_the_classes_is_of_the_same():
    """Two of three numbers alone, and none of them too large, are not taken for two classes of another kind."""
    bound = conditional()
    fitted(bound, data(NUMBERS))
    of_two = np.flatnonzero(NUMBERS != 1)
    expected = gv.evaluate(bound, data(np.eye(3)[NUMBERS], of_two))
    assert gv.evaluate(bound, data(NUMBERS, of_two)) == expected


def test_more_classes_than_the_model_has():
    with pytest.raises(ValueError, match="there are 4 classes, such as 'a', and label_size is 3"):
        fitted(conditional(), data(np.array(list("abcd"))[np.arange(N) % 4]))


@pytest.mark.parametrize("labels", [NAMES[NUMBERS], NUMBERS + 1, NUMBERS])
def test_names_of_classes_come_back_with_a_run(labels, tmp_path):
    bound = conditional()
    options = {"batch_size": 20, "progress": False}
    gv.fit(bound, data(labels), epochs=1, folder=tmp_path / "run", **options)
    vae, config = load_run(tmp_path / "run", mx.cpu())
    assert vae.class_names == bound.vae.class_names
    assert config["class_names"] == (None if labels is NUMBERS else list(vae.class_names))
    one = gv.evaluate(gv.ELBO(vae), data(labels, slice(1, 3)))  # one class is not there
    assert one == gv.evaluate(bound, data(labels, slice(1, 3)))
    with pytest.raises(ValueError, match="data: label"):
        gv.evaluate(gv.ELBO(vae), data(NUMBERS + 2))
    again = conditional()
    gv.fit(again, data(labels), epochs=2, resume=tmp_path / "run", **options)
    assert again.vae.class_names == vae.class_names


@pytest.mark.parametrize("mode", MODES)
def test_conditions_are_what_they_are(mode):
    for labels, size in ((NUMBERS / 2, 1), (np.eye(3)[NUMBERS] / 2, 3)):
        gv.seed(3)
        bound = gv.ELBO(small_vae(label_size=size))
        set_mode(bound, mode)
        rows = labels.reshape(N, -1)
        assert gv.evaluate(bound, data(labels)) == gv.evaluate(bound, data(rows))
        assert bound.vae.class_names is None


def test_a_draw_of_each_of_as_many_names_as_there_are_classes():
    """They are names, and not the numbers of one condition."""
    vae = gv.construct_vae(label_size=3, data_dims=4, latent_variable_size=2)
    vae.initialize()
    vae.meet_classes(as_labels(["ash", "birch", "cedar"], 3))
    for names in (["cedar", "ash", "ash"], np.array(["cedar", "ash", "ash"], object)):
        gv.seed(2)
        drawn = vae.phantasize(3, label=names)
        gv.seed(2)
        rows = nd([[0, 0, 1], [1, 0, 0], [1, 0, 0]])
        np.testing.assert_array_equal(drawn.asnumpy(), vae.phantasize(3, label=rows).asnumpy())
