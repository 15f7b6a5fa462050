"""The training graph as a drawing."""

from __future__ import annotations

import shutil
from typing import Any, Optional, Union

from ..backend.runtime import mx
from ..files import replacing
from ..graph import training_graph
from ..models import VAE
from ..objectives import Objective
from .figure import PathLike, picture_path


def plot_network(model: Union[VAE, Objective], path: Optional[PathLike] = None) -> Any:
    """Draw the training graph. :func:`gluonvae.summary` gives the same as text.

    Parameters
    ----------
    model : VAE or Objective
        An objective, or a VAE, whose :class:`gluonvae.ELBO` is drawn.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.

    Returns
    -------
    graphviz.Digraph
        A notebook shows it.

    Raises
    ------
    RuntimeError
        If the program ``dot`` of Graphviz is not installed.
    ValueError
        If the suffix of the file is another.
    """
    path = None if path is None else picture_path(path)
    if shutil.which("dot") is None:
        raise RuntimeError(
            "drawing a network needs the program 'dot' of Graphviz, which is not installed "
            "(Debian and Ubuntu: apt install graphviz; macOS: brew install graphviz). "
            "gluonvae.summary(vae) gives the same as text without it"
        )
    symbol, shapes = training_graph(model)
    graph = mx.viz.plot_network(
        symbol, title="training graph", shape=shapes, hide_weights=True, node_attrs={"fixedsize": "false"}
    )
    if path is not None:
        graph.format = path.suffix[1:]
        with replacing(path) as part:
            part.write_bytes(graph.pipe())
    return graph
