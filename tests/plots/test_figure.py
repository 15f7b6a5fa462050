"""Figures are shown by notebooks, saved where asked, and gone when nothing refers to them."""

import gc
import io
import subprocess
import sys
import weakref

import matplotlib
import numpy as np
import pytest
from matplotlib import colors, style
from PIL import Image

import gluonvae as gv
from gluonvae.plots.figure import COLOURS, DPI
from tests.helpers import small_vae


def test_of_a_hundred_figures_none_is_left(rng):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    figures = [weakref.ref(gv.plots.plot_images(rng.random((4, 16)))) for _ in range(100)]
    for figure in figures[:3]:
        assert figure() is None or figure()._repr_png_()
    gc.collect()
    assert [figure() for figure in figures] == [None] * 100
    assert pyplot.get_fignums() == before


def test_pyplot_is_not_imported():
    code = (
        "import sys, numpy, gluonvae; gluonvae.plots.plot_images(numpy.ones((3, 16)))._repr_png_(); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_notebook_shows_a_figure_as_a_picture(rng):
    figure = gv.plots.plot_images(rng.random((20, 16)), title="twenty")
    content, about = figure._repr_png_()
    picture = Image.open(io.BytesIO(content))
    assert picture.format == "PNG"
    assert picture.size == tuple(int(inches * DPI) for inches in figure.get_size_inches())
    assert about == {"width": 610}


def test_ipython_shows_it_once(rng):
    formatters = pytest.importorskip("IPython.core.formatters")
    content, about = formatters.DisplayFormatter().format(gv.plots.plot_images(rng.random((20, 16))))
    assert set(content) == {"text/plain", "image/png"}
    assert content["image/png"].startswith(b"\x89PNG")
    assert about["image/png"] == {"width": 610}


def test_a_file_is_written_where_a_path_is_given(rng, tmp_path):
    figure = gv.plots.plot_images(rng.random((20, 16)), tmp_path / "x.png")
    assert isinstance(figure, matplotlib.figure.Figure)
    assert Image.open(tmp_path / "x.png").size == tuple(int(inches * DPI) for inches in figure.get_size_inches())
    gv.plots.plot_images(rng.random((20, 16)))
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def luminance(colour):
    """Of WCAG 2, from 0 to 1."""
    channels = np.array(colors.to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", ["default", "dark_background"])
def test_text_and_colours_are_seen_in_every_style(name, rng):
    with style.context(name):
        figure = gv.plots.plot_latent(
            small_vae(), rng.integers(0, 2, (30, 12)), labels=["cat", "dog", "emu"] * 10, method="pca"
        )
        (axis,) = figure.axes
        ground = axis.get_facecolor()
        texts = [axis.xaxis.label, *axis.texts, *axis.get_legend().get_texts(), *axis.get_xticklabels()]
        assert all(contrast(text.get_color(), ground) > 7 for text in texts)
        assert all(contrast(dots.get_facecolor()[0], ground) > 1.4 for dots in axis.collections)


def test_colours_are_those_of_matplotlibs_accessible_cycle():
    if "petroff10" not in matplotlib.color_sequences:
        pytest.skip("matplotlib before 3.10 has no such cycle")
    assert [colors.to_hex(colour) for colour in matplotlib.color_sequences["petroff10"]] == list(COLOURS)
