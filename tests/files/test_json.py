"""Strict JSON: written without NaN, read without what JSON has not."""

import json

import pytest

from gluonvae.files import as_json, parse_json

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"a": NAN, "b": [INF, 1.5, (-INF, 2)]}, '{"a": null, "b": [null, 1.5, [null, 2]]}'),
        ({"a": {"b": NAN}, "c": True, "d": "nan", "e": None}, '{"a": {"b": null}, "c": true, "d": "nan", "e": null}'),
    ],
)
def test_numbers_that_are_not_finite_are_null(content, text):
    assert as_json(content) == text


@pytest.mark.parametrize("text", ['{"a": [1, 2.5e10, null, "x", {"b": false}]}', "3", '"NaN"'])
def test_json_is_read(text):
    assert parse_json(text) == json.loads(text)


@pytest.mark.parametrize("text", ["NaN", "[-Infinity]", "1e400", '{"a": 1, "b": 2, "a": 1}', "{", "", "[" * 10**5])
def test_what_json_has_not_is_refused(text):
    with pytest.raises(ValueError, match=r"no number in JSON|there twice|no JSON|nested too deeply"):
        parse_json(text)
