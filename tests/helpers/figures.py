"""What figures show."""

import math

import numpy as np


def cells(figure, columns, shape, count=None, gap=1):
    """The images of a grid, ``(N, H, W, 3)`` in bytes, each pixel once, and how opaque each is, ``(N, H, W)``."""
    (axis,) = figure.axes
    (picture,) = axis.images
    values = np.asarray(picture.get_array())
    width = values.shape[1] // columns
    scale = (width - 2 * gap) // shape[1]
    height = scale * shape[0] + 2 * gap
    rows = values.shape[0] // height
    assert values.shape == (rows * height, columns * width, 4)
    tiles = values.reshape(rows, height, columns, width, 4).swapaxes(1, 2).reshape(-1, height, width, 4)
    inside = tiles[:, gap : height - gap, gap : width - gap]
    images = inside[:, ::scale, ::scale]
    np.testing.assert_array_equal(images.repeat(scale, 1).repeat(scale, 2), inside)
    if count is not None:
        assert rows == math.ceil(count / columns)
    return images[:count, ..., :3], images[..., 3]


def grey(values, low, high):
    """Values as grey bytes of three colours."""
    grey = np.rint(255 * np.clip((np.asarray(values) - low) / (high - low), 0, 1)).astype(int)
    return np.repeat(grey[..., None], 3, axis=-1)


def labels_of(axis, side):
    """What is written at the ticks."""
    return [text.get_text() for text in getattr(axis, f"get_{side}ticklabels")()]


def title_of(axis):
    """The title, in one line."""
    return " ".join(axis.get_title("left").split())
