"""The graph that training runs, as a Symbol and as a table of text."""

from __future__ import annotations

import json
import math
from typing import Any, Union

from .backend.runtime import mx
from .models.vae import VAE
from .objectives import ELBO, Objective


def training_graph(model: Union[VAE, Objective]) -> tuple[Any, dict[str, tuple[int, ...]]]:
    """The Symbol of the objective (of a VAE: its ELBO), and the shapes of its inputs at batch 1."""
    bound = model if isinstance(model, Objective) else ELBO(model)
    data, noise = mx.sym.var("data"), mx.sym.var("noise")
    vae = bound.vae
    shapes = {"data": (1, vae.data_dims), "noise": bound.noise_shape(1)}
    return bound(data, noise), shapes


def summary(model: Union[VAE, Objective]) -> str:
    """A table of the training graph: each operation, its output's shape at batch 1, the number of
    its parameters; in the end their sum."""
    symbol, shapes = training_graph(model)
    internals = symbol.get_internals()
    output_shapes = dict(zip(internals.list_outputs(), internals.infer_shape(**shapes)[1]))
    nodes = json.loads(symbol.tojson())["nodes"]
    rows, counted, total = [("operation", "name", "output", "parameters")], set(shapes), 0
    for node in nodes:
        if node["op"] == "null":
            continue
        new = {nodes[index]["name"] for index, *_ in node["inputs"] if nodes[index]["op"] == "null"} - counted
        count = sum(math.prod(output_shapes[name]) for name in new)
        counted, total = counted | new, total + count
        shape = next(
            output_shapes[node["name"] + end] for end in ("_output", "_output0") if node["name"] + end in output_shapes
        )
        rows.append((node["op"], node["name"], str(shape), f"{count:,}" if count else ""))
    rows.append(("total", "", "", f"{total:,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        f"{op:<{widths[0]}}  {name:<{widths[1]}}  {shape:<{widths[2]}}  {count:>{widths[3]}}"
        for op, name, shape, count in rows
    )
