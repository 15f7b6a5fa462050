"""Labels kept for few images."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.data import Dataset


class TestFewLabels:
    def test_which_are_kept(self, rng):
        labels = rng.integers(0, 5, 500)
        data = Dataset(rng.integers(0, 256, (500, 6)).astype(np.uint8), labels=labels.astype(np.uint8))
        few = gv.data.keep_few_labels(data, 20, share=0.2, seed=3)
        known = few.labels >= 0
        assert np.count_nonzero(~known) == 480
        assert abs(known.mean() - 0.2) < 0.02
        kept, counts = np.unique(few.labels[known], return_counts=True)
        assert list(kept) == [0, 1, 2, 3, 4]
        assert len(set(counts)) == 1
        of_pixels = {tuple(row): label for row, label in zip(data.pixels, labels)}
        assert all(of_pixels[tuple(row)] == label for row, label in zip(few.pixels[known], few.labels[known]))
        assert len({tuple(row) for row in few.pixels[known]}) == 20
        np.testing.assert_array_equal(data.labels, labels)

    @pytest.mark.parametrize(
        ("labels", "count", "share", "message"),
        [
            (None, 5, 0.1, "data has no labels"),
            ([0, 1] * 5, 3, 0.1, "a multiple of the 2 classes, got 3"),
            ([0, 1] * 5, 12, 0.1, "wants 6 images of each class, and of one there are 5"),
            ([0, 1] * 5, 2, 1.0, "share must be between 0 and 1, got 1.0"),
        ],
    )
    def test_errors(self, labels, count, share, message):
        with pytest.raises(ValueError, match=message):
            gv.data.keep_few_labels(Dataset(np.eye(10), labels=labels), count, share)
