"""The training graph, as a Symbol and as a table."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Sequence
from typing import Any, Union

from .backend.regions.availability import mxnets_own
from .backend.runtime import mx
from .backend.structures import leaves, map_structure
from .models import VAE
from .objectives import ELBO, Objective

_RANDOM = re.compile(r"Dropout|RNN|shuffle|random|sample_")
"""Operators of MXNet that draw."""


def training_graph(model: Union[VAE, Objective]) -> tuple[Any, dict[str, tuple[int, ...]]]:
    """Trace the graph of an objective, of MXNet's own operators.

    Parameters
    ----------
    model : VAE or Objective
        An objective, or a VAE, whose :class:`gluonvae.ELBO` is traced.

    Returns
    -------
    symbol : mx.sym.Symbol
        The outputs of the objective.
    shapes : dict[str, tuple[int, ...]]
        Shapes of the inputs "data" and "noise" for one data point.
    """
    bound = model if isinstance(model, Objective) else ELBO(model)
    vae, names = bound.vae, iter(range(len(leaves(bound.noise))))
    noise = map_structure(lambda _: mx.sym.var(f"noise{next(names) or ''}"), bound.noise)
    label = (mx.sym.var("label"),) if vae.label_size else ()
    leading = (1,) if bound.samples == 1 else (bound.samples, 1)
    shapes = {
        "data": (1, vae.data_dims),
        **{var.name: (*leading, spec.size) for var, spec in zip(leaves(noise), leaves(bound.noise))},
        **{var.name: (1, vae.label_size) for var in label},
    }
    with mxnets_own():
        return bound(mx.sym.var("data"), noise, *label), shapes


def draws_random_numbers(bound: Objective) -> bool:
    """Return whether a bound draws from MXNet's generator, as Dropout does, beside the noise that it is given.

    Parameters
    ----------
    bound : Objective
        The bound. If it cannot be traced, as its blocks are imperative, the answer is True.
    """
    try:
        symbol, _ = training_graph(bound)
    except Exception:  # whatever a user's block raises
        return True
    return any(_RANDOM.search(node["op"]) for node in json.loads(symbol.tojson())["nodes"])


class ModelSummary(str):
    """A table as text, which a notebook shows as a table."""

    rows: Sequence[Sequence[str]] = ()
    """The cells of each line; the first line has the headings."""

    def _repr_html_(self) -> str:
        head, *body = self.rows
        lines = "".join(f"<tr>{_cells('td', row)}</tr>" for row in body)
        return f"<table><thead><tr>{_cells('th', head)}</tr></thead><tbody>{lines}</tbody></table>"


def _cells(tag: str, row: Sequence[str]) -> str:
    return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)


def summary(model: Union[VAE, Objective]) -> ModelSummary:
    """Summarise the training graph as a table.

    Parameters
    ----------
    model : VAE or Objective
        An objective, or a VAE, whose :class:`gluonvae.ELBO` is summarised.

    Returns
    -------
    ModelSummary
        A string with a line for each operation: its name, the shape of its output for one data point and the number of
        its parameters. The last line has the total number of parameters. A notebook shows it as a table.
    """
    bound = model if isinstance(model, Objective) else ELBO(model)
    symbol, shapes = training_graph(bound)
    weights = {parameter.name for parameter in bound._reg_params.values() if parameter.grad_req == "null"}
    internals = symbol.get_internals()
    output_shapes = dict(zip(internals.list_outputs(), internals.infer_shape(**shapes)[1]))
    nodes = json.loads(symbol.tojson())["nodes"]
    rows, counted, total = [("operation", "name", "output", "parameters")], {*shapes, *weights}, 0
    for node in nodes:
        if node["op"] == "null":
            continue
        new = {nodes[index]["name"] for index, *_ in node["inputs"] if nodes[index]["op"] == "null"} - counted
        count = sum(math.prod(output_shapes[name]) for name in new)
        counted, total = counted | new, total + count
        output = f"{node['name']}_output"
        shape = output_shapes.get(output, output_shapes.get(f"{output}0"))
        rows.append((node["op"], node["name"], str(shape), f"{count:,}" if count else ""))
    rows.append(("total", "", "", f"{total:,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    text = ModelSummary(
        "\n".join(
            f"{op:<{widths[0]}}  {name:<{widths[1]}}  {shape:<{widths[2]}}  {count:>{widths[3]}}"
            for op, name, shape, count in rows
        )
    )
    text.rows = rows
    return text
