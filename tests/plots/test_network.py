"""Drawings of the training graph."""

import shutil

import pytest

import gluonvae as gv
from tests.helpers import small_vae


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


def test_a_path_without_a_known_suffix(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.png, \.svg or \.pdf, got x"):
        gv.plots.plot_network(small_vae(), tmp_path / "x")
