"""Damaged image files are read or refused in words, and nothing else happens."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gluonvae.data import DataError
from tests.helpers.pictures import SMALL_FILES, contents

damages = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 10_000), st.integers(0, 255)),
        st.tuples(st.just("flip"), st.integers(0, 10_000), st.integers(0, 7)),
        st.tuples(st.just("cut"), st.integers(0, 10_000), st.integers(1, 30)),
        st.tuples(st.just("insert"), st.integers(0, 10_000), st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("number"), st.integers(0, 10_000), st.sampled_from([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFF])),
        st.tuples(st.just("end"), st.integers(0, 10_000), st.none()),
    ),
    min_size=1,
    max_size=6,
)


def damaged(content, steps):
    content = bytearray(content)
    for what, place, value in steps:
        place %= max(1, len(content))
        if what == "set":
            content[place : place + 1] = bytes([value])
        elif what == "flip" and content:
            content[place] ^= 1 << value
        elif what == "cut":
            del content[place : place + value]
        elif what == "insert":
            content[place:place] = value
        elif what == "number":
            content[place : place + 4] = value.to_bytes(4, "big")
        elif what == "end":
            del content[place:]
    return bytes(content)


@pytest.mark.usefixtures("no_hang")
@pytest.mark.parametrize("name", SMALL_FILES)
def test_damaged(name, tmp_path, monkeypatch):
    monkeypatch.setattr("gluonvae.data.readers.image_cache.cache_folder", lambda: None)
    path = tmp_path / "x.png"

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(damages)
    def check(steps):
        path.write_bytes(damaged(SMALL_FILES[name], steps))
        try:
            found = contents(tmp_path)
        except DataError as error:
            if "x.png" in str(error):
                return
            raise
        values = found.parts["train"].values
        assert values.dtype in (np.uint8, np.uint16, np.float32)
        assert values.ndim in (3, 4)
        assert 0 <= values.min() <= values.max() <= found.white

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check()


def test_undamaged(tmp_path, monkeypatch):
    monkeypatch.setattr("gluonvae.data.readers.image_cache.cache_folder", lambda: None)
    for content in SMALL_FILES.values():
        (tmp_path / "x.png").write_bytes(content)
        assert "train" in contents(tmp_path).parts
