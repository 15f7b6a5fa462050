"""Labels of any kind, and the classes of several parts of data."""

import decimal

import numpy as np
import pandas
import pytest

from gluonvae.backend.runtime import mx
from gluonvae.labels import Labels, as_labels, class_names, has_classes, numbered

NAN = float("nan")
CAT_DOG = ("cat", "dog")

# what is given, the values, the names
TABLE = {
    "names": (["dog", "cat", "dog"], [1, 0, 1], CAT_DOG),
    "an array of names": (np.array(["dog", "cat", "dog"]), [1, 0, 1], CAT_DOG),
    "bytes": (np.array([b"dog", b"cat", b"dog"]), [1, 0, 1], CAT_DOG),
    "bytes as objects": (np.array([b"dog", "cat", b"dog"], object), [1, 0, 1], CAT_DOG),
    "objects": (np.array(["dog", "cat", "dog"], object), [1, 0, 1], CAT_DOG),
    "a Series": (pandas.Series(["dog", "cat", "dog"]), [1, 0, 1], CAT_DOG),
    "categories": (pandas.Series(["dog", "cat", "dog"], dtype="category"), [1, 0, 1], CAT_DOG),
    "a column of names": (np.array([["dog"], ["cat"], ["dog"]]), [1, 0, 1], CAT_DOG),
    "names and None": (["dog", None, "cat"], [1, -1, 0], CAT_DOG),
    "names and NaN": (["dog", NAN, "cat"], [1, -1, 0], CAT_DOG),
    "names and NumPy's NaN": (("dog", np.float32(NAN), "cat"), [1, -1, 0], CAT_DOG),
    "objects and NaN": (np.array(["dog", NAN, "cat"], object), [1, -1, 0], CAT_DOG),
    "names and an empty one": (["dog", "", "cat"], [1, -1, 0], CAT_DOG),
    "a Series with NA": (pandas.Series(["dog", None, "cat"], dtype="string"), [1, -1, 0], CAT_DOG),
    "categories and none": (pandas.Series(["dog", None, "cat"], dtype="category"), [1, -1, 0], CAT_DOG),
    "masked names": (np.ma.MaskedArray(["dog", "cow", "cat"], [0, 1, 0]), [1, -1, 0], CAT_DOG),
    "a masked column of names": (np.ma.MaskedArray([["dog"], ["cow"], ["cat"]], [[0], [1], [0]]), [1, -1, 0], CAT_DOG),
    "the name nan": (np.array(["nan", "cat", "dog"]), [2, 0, 1], ("cat", "dog", "nan")),
    "names and numbers": (["b", 7, "b"], [1, 0, 1], ("7", "b")),
    "names and -1": (["b", -1, "a"], [1, -1, 0], ("a", "b")),
    "umlauts": (["Wölfe", "Bären", "Wölfe"], [1, 0, 1], ("Bären", "Wölfe")),
    "bytes that are no text": ([b"\xff", b"a", b"a"], [0, 1, 1], ("\\xff", "a")),
    "one name": (["cat"] * 3, [0, 0, 0], ("cat",)),
    "whole numbers": ([3, 1, 2], [3, 1, 2], None),
    "one large": ([0, 10**6, 5], [0, 10**6, 5], None),
    "truth values": ([True, False, True], [1, 0, 1], None),
    "fractions": ([0.5, 1, 2], [0.5, 1, 2], None),
    "missing by -1": ([3, -1, 2], [3, -1, 2], None),
    "numbers and NaN": ([3, NAN, 2], [3, -1, 2], None),
    "numbers and None": ([3, None, 2], [3, -1, 2], None),
    "numbers beyond 2^53 and None": ([2**53 + 1, None, 2**53], [2**53 + 1, -1, 2**53], None),
    "numbers beyond 2^53 and NA": (np.array([2**60 + 1, pandas.NA, 2], object), [2**60 + 1, -1, 2], None),
    "truth values and None": ([True, None, False], [1, -1, 0], None),
    "masked": (np.ma.MaskedArray([3, 9, 2], [0, 1, 0]), [3, -1, 2], None),
    "masked bytes": (np.ma.MaskedArray(np.array([3, 9, 2], np.uint8), [0, 1, 0]), [3, -1, 2], None),
    "masked truth values": (np.ma.MaskedArray([True, True, False], [0, 1, 0]), [1, -1, 0], None),
    "masked and NaN": (np.ma.MaskedArray([3, NAN, 2.0], [0, 0, 1]), [3, -1, -1], None),
    "a mask without a mark": (np.ma.MaskedArray([3, 1, 2]), [3, 1, 2], None),
    "whole numbers with NA": (pandas.Series([3, None, 2], dtype="Int64").to_numpy(object, na_value=None), [3, -1, 2], None),
    "an NDArray": (mx.nd.array([3, 1, 2]), [3, 1, 2], None),
    "Decimals": ([decimal.Decimal(3), decimal.Decimal(1), decimal.Decimal(2)], [3, 1, 2], None),
    "one-hot rows": (np.eye(3), np.eye(3), None),
    "conditions": ([[0.5, 1], [2, 3], [4, 5]], [[0.5, 1], [2, 3], [4, 5]], None),
    "a column": ([[1], [0], [1]], [1, 0, 1], None),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_labels(name):
    given, values, names = TABLE[name]
    found = as_labels(given, 3)
    np.testing.assert_array_equal(found.values, values)
    assert found.names == names
    assert found.values.dtype.kind in "biuf"
    if names is not None or (np.ndim(values) == 1 and -1 in values and "-1" not in name):
        assert found.values.dtype == np.int64


REFUSED = {
    "too few": ([1, 2], r"labels must have shape \(N,\) or \(N, C\) for N = 3 cells, got \(2,\)"),
    "one": ("cat", r"got \(\)"),
    "names in two columns": (np.array([["a", "b"]] * 3), r"names must have shape \(N,\), got \(3, 2\)"),
    "all None": ([None] * 3, "all labels are missing"),
    "all NaN": ([NAN] * 3, "all labels are missing"),
    "all empty": ([""] * 3, "all labels are missing"),
    "all masked": (np.ma.masked_all(3), "all labels are missing"),
    "all masked names": (np.ma.MaskedArray(["a"] * 3, True), "all labels are missing"),
    "conditions and NaN": ([0.5, NAN, 1], r"labels has nan at \(1,\): a class may be missing, of conditions every"),
    "rows and NaN": ([[1, 2], [1, NAN], [1, 2]], r"labels has nan at \(1, 1\)"),
    "infinity": ([1, 2, np.inf], r"labels has inf at \(2,\)"),
    "infinity and NaN": ([1, NAN, np.inf], "inf"),
    "dates": (np.zeros(3, "M8[D]"), "must be numbers or names, .* got dtype datetime64"),
    "dicts": ([{}, {}, {}], "must be numbers or names"),
    "beyond 64 bits": ([2**70, None, 1], "must be numbers or names, .*too large"),
    "complex": ([1j, 0, 1], "must be numbers or names, .* got dtype complex128"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_label(name):
    given, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        as_labels(given, 3, "cells")


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([0, 5, -1], True),
        ([0.0, 5.0], True),
        ([0.0, 0.5], False),
        ([True, False], True),
        (np.eye(3)[[0, 0, 2]], True),
        (2 * np.eye(3), False),
        (np.zeros((3, 2)), False),
        ([[0], [1]], False),
        ([[1], [1]], False),
    ],
)
def test_classes_are_told_from_conditions(labels, classes):
    assert has_classes(np.asarray(labels)) == classes
    assert not has_classes(None)


PARTS = {
    "0, 1, 2": (([0, 1, 2],), None),
    "one lacks some": (([0, 2], [1], [0]), None),
    "some have no data point": (([0, 7, 255],), None),
    "from 1": (([1, 2], [2, 3], [3]), (1, 2, 3)),
    "with missing ones": (([0, -1, 1], [-1]), None),
    "from 1, with missing ones": (([1, -1, 2], [-1, 5]), (1, 2, 5)),
    "one large": (([0, 1, 10**6], [1]), (0, 1, 10**6)),
    "negative": (([-2, 0, 1],), (-2, 0, 1)),
    "fractions that are whole": (([1.0, 2.0],), (1, 2)),
    "all missing": (([-1, -1],), None),
    "more than 256 in order": ((np.arange(300),), None),
    "every other of many": ((np.arange(0, 1000, 2),), None),
    "every third of many": ((np.arange(0, 1000, 3),), tuple(range(0, 1000, 3))),
    "names": ((["dog", "cat"], ["cow", "dog"]), ("cat", "cow", "dog")),
}


@pytest.mark.parametrize("name", PARTS)
def test_the_classes_of_several_parts(name):
    parts, names = PARTS[name]
    assert class_names([as_labels(np.asarray(part), len(part)) for part in parts]) == names


def test_names_in_one_part_and_numbers_in_another():
    with pytest.raises(ValueError, match="one part of the data are names, and of another numbers"):
        class_names([as_labels(["cat"], 1), as_labels([1], 1)])


# labels, the names that are known, their places there
PLACES = {
    "names": (["dog", "cat"], ("cat", "cow", "dog"), [2, 0]),
    "names and missing ones": (["dog", None], ("cat", "cow", "dog"), [2, -1]),
    "numbers": ([10, 3, 1], (1, 3, 10), [2, 1, 0]),
    "numbers as fractions": ([10.0, 3.0, 1.0], (1, 3, 10), [2, 1, 0]),
    "numbers and missing ones": ([10, -1, 1], (1, 3, 10), [2, -1, 0]),
    "truth values": ([True, True], (1, 2), [0, 0]),
    "one large": ([10**6, 0], (0, 10**6), [1, 0]),
    "numbers that are the classes": ([2, 0], None, [2, 0]),
    "all missing": ([-1, -1], (1, 2), [-1, -1]),
}


@pytest.mark.parametrize("name", PLACES)
def test_places_among_the_names(name):
    labels, names, places = PLACES[name]
    found = as_labels(labels, len(labels))
    numbers = numbered(found, names)
    np.testing.assert_array_equal(numbers, places)
    if names is not None:  # numbers that go by these names stay
        np.testing.assert_array_equal(numbered(Labels(numbers, names), names), places)


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        (["cow"], ("cat", "dog"), "label 'cow' is none of the 2 classes of the model: cat, dog"),
        ([4], (1, 2), "label 4 is none of the 2 classes of the model: 1, 2"),
        (["1"], (1, 2), "label '1' is none of the 2 classes"),
        ([0], ("cat", "dog"), "label 0 is none of the 2 classes of the model: cat, dog"),
        (["cat"], None, "labels are names, such as 'cat', and the model knows its classes by number"),
        ([99], tuple(range(1, 20)), r"none of the 19 classes of the model: 1, 2, .*, 10, \.\.\."),
        ([1.0, 1.5], (1, 2), "labels are numbers such as 1.5, and the model knows classes: 1, 2"),
    ],
)
def test_labels_that_are_none_of_the_names(labels, names, message):
    with pytest.raises(ValueError, match=message):
        numbered(as_labels(labels, len(labels)), names)
