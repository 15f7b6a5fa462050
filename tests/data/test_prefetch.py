"""Reading ahead, in a thread."""

import threading
import time
from contextlib import closing

import numpy as np
import pytest

from gluonvae.data.prefetch import AHEAD, read_ahead


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "gluonvae-read-ahead"]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert not threads()


@pytest.mark.parametrize("count", [0, 1, AHEAD, 50])
def test_all_in_their_order(count):
    assert list(read_ahead(lambda key: key**2, range(count))) == [(key, key**2) for key in range(count)]
    rows = [np.arange(3), np.arange(5)]
    for (key, value), wanted in zip(read_ahead(lambda key: key + 1, rows), rows):
        assert key is wanted
        np.testing.assert_array_equal(value, wanted + 1)


def test_it_is_read_by_a_thread_while_the_caller_does_something_else():
    done = []
    with closing(read_ahead(lambda key: done.append(threading.current_thread()) or key, range(50))) as results:
        next(results)
        for _ in range(200):
            if len(done) >= AHEAD:
                break
            time.sleep(0.01)
        time.sleep(0.05)
        # no more than a few, however long the caller takes
        assert AHEAD <= len(done) <= AHEAD + 2
        assert threading.main_thread() not in done


@pytest.mark.parametrize("error", [OSError("the disk has gone"), KeyError("x"), SystemExit(3), MemoryError()])
def test_an_error_is_raised_at_its_turn(error):
    def read(key):
        if key == 7:
            raise error
        return key

    results = read_ahead(read, range(20))
    assert [next(results)[0] for _ in range(7)] == list(range(7))
    with pytest.raises(type(error)) as raised:
        next(results)
    assert raised.value is error


def test_an_error_of_the_keys():
    def keys():
        yield 1
        raise OSError("no more")

    results = read_ahead(abs, keys())
    assert next(results) == (1, 1)
    with pytest.raises(OSError, match="no more"):
        next(results)


@pytest.mark.parametrize("taken", [0, 1, 10])
def test_a_caller_that_stops_stops_the_thread(taken):
    results = read_ahead(lambda key: key, range(10**9))
    for _ in range(taken):
        next(results)
    results.close()
    assert not threads()


def test_a_caller_that_fails_stops_the_thread():
    def fail():
        with closing(read_ahead(lambda key: key, range(10**9))) as results:
            for _ in results:
                raise ValueError("in a step")

    with pytest.raises(ValueError, match="in a step"):
        fail()
