"""Images in a grid."""

import numpy as np
import pytest
from matplotlib import image as matplotlib_image

import gluonvae as gv
from tests.helpers import nd
from tests.helpers.figures import cells, grey, labels_of, title_of


def test_plot_images_shows_each_image_in_its_place(tmp_path, rng):
    images = np.zeros((3, 16), np.float32)
    images[1] = 1
    gv.plots.plot_images(images, tmp_path / "x.png", columns=3)
    picture = matplotlib_image.imread(tmp_path / "x.png")[..., 0]
    middle = picture[picture.shape[0] // 2]
    sixths = [middle[int(len(middle) * place)] for place in (1 / 6, 1 / 2, 5 / 6)]
    np.testing.assert_allclose(sixths, [0, 1, 0], atol=0.01)


@pytest.mark.parametrize(
    ("values", "limits", "grey"),
    [
        ((0.5, -3, 0.25), None, (0.5, 0, 0.25)),
        ((51, 255, 102), None, (0.2, 1, 0.4)),
        ((102, 700, -40), (0, 255), (0.4, 1, 0)),
        ((-1, 0, 2), (-2, 2), (0.25, 0.5, 1)),
        ((3, 3, 4), (3, 3), (0, 0, 1)),
    ],
)
def test_limits_are_black_and_white(values, limits, grey, tmp_path):
    images = np.array(values, np.float32)[:, None] * np.ones((1, 16))
    gv.plots.plot_images(images, tmp_path / "x.png", columns=3, limits=limits)
    picture = matplotlib_image.imread(tmp_path / "x.png")[..., 0]
    middle = picture[picture.shape[0] // 2]
    drawn = [middle[int(len(middle) * place)] for place in (1 / 6, 1 / 2, 5 / 6)]
    np.testing.assert_allclose(drawn, grey, atol=0.01)


def test_plot_reconstructions_has_originals_on_the_left(tmp_path):
    gv.plots.plot_reconstructions(np.ones((1, 16)), np.zeros((2, 1, 16)), tmp_path / "x.png")
    picture = matplotlib_image.imread(tmp_path / "x.png")[..., 0]
    middle = picture[int(picture.shape[0] * 0.7)]
    np.testing.assert_allclose(
        [middle[int(len(middle) * place)] for place in (1 / 6, 1 / 2, 5 / 6)], [1, 0, 0], atol=0.01
    )


def test_colours_first_or_last_are_the_same_picture(tmp_path, rng):
    images = rng.random((3, 4, 5, 3))
    gv.plots.plot_images(images.reshape(3, -1), tmp_path / "last.png", (4, 5, 3))
    gv.plots.plot_images(np.moveaxis(images, -1, 1).reshape(3, -1), tmp_path / "first.png", (3, 4, 5))
    last, first = (matplotlib_image.imread(tmp_path / f"{name}.png") for name in ("last", "first"))
    np.testing.assert_array_equal(last, first)


@pytest.mark.parametrize(("shape", "values"), [(None, 16), ((8, 2), 16), ((4, 4, 3), 48)])
@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_shapes_and_formats(shape, values, suffix, tmp_path, rng):
    path = tmp_path / "new" / f"x.{suffix}"
    gv.plots.plot_images(nd(rng.random((7, values))), path, shape, columns=4)
    assert path.stat().st_size > 500
    gv.plots.plot_reconstructions(nd(rng.random((2, values))), nd(rng.random((3, 2, values))), path, shape)
    assert [p.name for p in path.parent.iterdir()] == [f"x.{suffix}"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda path: gv.plots.plot_images(np.zeros((3, 15)), path),
            r"images of shape \(15,\) cannot be drawn: pass shape=",
        ),
        (lambda path: gv.plots.plot_images(np.zeros(15), path), r"images must have shape \(N, X\), got \(15,\)"),
        (lambda path: gv.plots.plot_images(np.zeros((3, 16)), path, shape=(3, 5)), r"shape \(3, 5\) has 15 values"),
        (
            lambda path: gv.plots.plot_reconstructions(np.zeros((3, 16)), np.zeros((2, 4, 16)), path),
            r"must be \(n, 3, X\)",
        ),
        (
            lambda path: gv.plots.plot_images(np.zeros((3, 16)), path.with_suffix("")),
            "must end in .png, .svg or .pdf, got x",
        ),
        (
            lambda path: gv.plots.plot_images(np.zeros((3, 16)), path, columns=2, row_labels="abc"),
            "row_labels must be one for each of 2 rows, got 3",
        ),
        (
            lambda path: gv.plots.plot_images(np.zeros((3, 16)), path, column_labels="ab"),
            "column_labels must be one for each of 3 columns, got 2",
        ),
        (lambda path: gv.plots.plot_images(np.zeros((3, 16)), path, columns=0), "columns must be positive, got 0"),
    ],
)
def test_errors(call, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        call(tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("count", [101, 5000])
def test_a_picture_of_many_images_is_square_and_of_bounded_size(count, tmp_path, rng):
    path = tmp_path / "many.png"
    gv.plots.plot_images(rng.random((count, 16)), path)
    height, width = matplotlib_image.imread(path).shape[:2]
    assert 0.8 < width / height < 1.25
    assert height * width < 1.1 * 2**23


def test_images_are_in_their_places_and_empty_places_are_empty(rng):
    images = rng.random((7, 12))
    drawn, opaque = cells(gv.plots.plot_images(images, shape=(3, 4), columns=3), 3, (3, 4), 7)
    np.testing.assert_array_equal(drawn, grey(images.reshape(7, 3, 4), 0, 1))
    np.testing.assert_array_equal(opaque[:, 0, 0], [255] * 7 + [0] * 2)


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (10, 10), (13, 10), (100, 10), (101, 11), (400, 20)])
def test_the_number_of_columns(count, columns, rng):
    images = rng.random((count, 16))
    drawn, _ = cells(gv.plots.plot_images(images), columns, (4, 4), count)
    np.testing.assert_array_equal(drawn, grey(images.reshape(-1, 4, 4), 0, 1))


@pytest.mark.parametrize("count", [1, 2, 3, 10, 100, 1000, 10_000])
def test_sizes_are_sensible(count, rng):
    """Of digits: no narrower than a column of text can be, no wider than a screen, and each as wide as its pixels."""
    width, height = gv.plots.plot_images(np.zeros((count, 784), np.uint8)).get_size_inches()
    assert 2 <= width <= 20
    assert 0.5 <= height <= 21
    columns = max(min(10, count), np.ceil(np.sqrt(count)))
    assert 150 * width / columns >= 28


def test_titles_and_labels(rng):
    title = "a title that is too long for a line above so few images, and is broken"
    figure = gv.plots.plot_images(
        rng.random((4, 16)), columns=2, title=title, row_labels=["first", 2], column_labels=["left", "right"]
    )
    (axis,) = figure.axes
    assert title_of(axis) == title
    assert "\n" in axis.get_title("left")
    assert labels_of(axis, "y") == ["first", "2"]
    assert labels_of(axis, "x") == ["left", "right"]
    # a label is at the middle of its row or column
    height, width = axis.images[0].get_array().shape[:2]
    np.testing.assert_allclose(axis.get_yticks(), [height / 4 - 0.5, 3 * height / 4 - 0.5])
    np.testing.assert_allclose(axis.get_xticks(), [width / 4 - 0.5, 3 * width / 4 - 0.5])


@pytest.mark.parametrize("columns", [1, 2, 10])
def test_nothing_that_is_written_is_cut_off(columns, rng):
    figure = gv.plots.plot_images(
        rng.random((20, 16)),
        columns=columns,
        title="the digits that were drawn from a model of many latent variables, and a seed: 7",
        row_labels=[f"a long name {row}" for row in range(20 // columns)],
    )
    figure.draw_without_rendering()
    inside = figure.bbox.padded(1)
    for text in (figure.axes[0]._left_title, *figure.axes[0].get_yticklabels()):
        box = text.get_window_extent()
        assert inside.x0 <= box.x0 <= box.x1 <= inside.x1
        assert inside.y0 <= box.y0 <= box.y1 <= inside.y1


def test_reconstructions_are_beside_their_originals(rng):
    data, several = rng.random((3, 16)), rng.random((2, 3, 16))
    figure = gv.plots.plot_reconstructions(data, several, title="digits")
    drawn, _ = cells(figure, 3, (4, 4), 9)
    rows = np.stack([data, *several], axis=1).reshape(9, 4, 4)
    np.testing.assert_array_equal(drawn, grey(rows, 0, 1))
    assert title_of(figure.axes[0]) == "digits"
    assert "original" in title_of(gv.plots.plot_reconstructions(data, several).axes[0])
