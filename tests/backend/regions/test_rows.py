"""How threads share rows."""

import numpy as np
import pytest

from gluonvae.backend.regions.bodies import rows as shares
from gluonvae.backend.regions.images import pieces_of
from gluonvae.backend.regions.layout import Group


@pytest.mark.parametrize("of_images", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 5, 15, 16, 20, 31, 33, 64, 100, 127, 128, 300, 1001])
def test_each_row_is_of_one_piece_and_one_thread(rows, of_images):
    pieces = Group(rows, (), of_images).pieces
    starts = [shares.start_of(rows, pieces, piece) for piece in range(pieces + 1)]
    sizes = np.diff(starts)
    assert (starts[0], starts[-1]) == (0, rows)
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= 1
    assert [shares.piece_of(rows, pieces, row) for row in range(rows)] == np.repeat(np.arange(pieces), sizes).tolist()
    for threads in range(1, pieces + 1):
        parts = [shares.share_pieces(rows, pieces, thread, threads) for thread in range(threads)]
        assert [end for _, end in parts[:-1]] == [first for first, _ in parts[1:]]
        assert (parts[0][0], parts[-1][1]) == (0, rows)
        assert set(np.ravel(parts)) <= set(starts)


@pytest.mark.parametrize("images", [20, 50, 64, 100, 128, 200, 256])
def test_two_threads_have_as_many_images(images):
    (_, half), _ = (shares.share_pieces(images, pieces_of(images), thread, 2) for thread in range(2))
    assert half == images / 2
