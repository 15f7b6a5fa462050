"""Pictures: of images, of a training's history, of a network."""

import shutil

import numpy as np
import pytest
from matplotlib import image as matplotlib_image

import gluonvae as gv
from tests.helpers import nd, small_vae


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


def test_plot_history(tmp_path):
    history = gv.History()
    with pytest.raises(ValueError, match="history is empty"):
        gv.plots.plot_history(history, tmp_path / "x.png")
    history.rows = [
        {
            "epoch": e,
            **{f"{part}_{term}": float(e) for part in ("train", "valid") for term in ("bound", "log_likelihood", "kl")},
        }
        for e in (1, 2, 3)
    ]
    gv.plots.plot_history(history, tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text()
    assert all(
        f"<!-- {word} -->" in text
        for word in ("bound", "KL divergence", "training", "validation", "nats per data point")
    )


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
            lambda path: gv.plots.plot_network(small_vae(), path.with_suffix("")),
            "must end in .png, .svg or .pdf, got x",
        ),
    ],
)
def test_errors(call, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        call(tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's dot")
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_plot_network(suffix, tmp_path):
    gv.plots.plot_network(small_vae(), tmp_path / f"net.{suffix}")
    content = (tmp_path / f"net.{suffix}").read_bytes()
    assert {"png": b"PNG", "svg": b"<svg", "pdf": b"%PDF"}[suffix] in content
    if suffix == "svg":
        for word in (b"FullyConnected", b"tanh", b"noise", b"data"):
            assert word in content


def test_plot_network_without_graphviz(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        RuntimeError, match=r"program 'dot' of Graphviz.*not installed.*apt install graphviz.*gluonvae\.summary"
    ):
        gv.plots.plot_network(small_vae(), tmp_path / "net.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("count", [101, 5000])
def test_a_picture_of_many_images_is_square_and_of_bounded_size(count, tmp_path, rng):
    path = tmp_path / "many.png"
    gv.plots.plot_images(rng.random((count, 16)), path)
    height, width = matplotlib_image.imread(path).shape[:2]
    assert 0.8 < width / height < 1.25
    assert height * width < 1.1 * 2**23
