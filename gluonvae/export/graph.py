"""A graph that is exported: its inputs, outputs and parameters by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Union

from ..backend.regions.availability import mxnets_own
from ..backend.runtime import mx
from ..backend.types import Block, Tensor
from ..files import write_bytes, written_by
from .sizes import Shape, in_words, infer_shapes, shape

Named = dict[str, Any]
"""Symbols by name."""


@dataclass(frozen=True)
class Graph:
    """A part of a model as a graph of MXNet's own operators, which runs where gluonvae is not installed.

    ``print(graph)`` shows the shapes of what goes in and comes out.
    """

    name: str
    """What it is a graph of: "encoder", "decoder", "prior", "vae", "bound" or "classifier"."""
    symbol: Any
    """The ``mx.sym.Symbol`` of all outputs."""
    parameters: Mapping[str, Tensor]
    """The values of the parameters, by the names that ``save_parameters`` gives them."""
    inputs: Mapping[str, Shape]
    """The shapes of the inputs, in their order."""
    outputs: Mapping[str, Shape]
    """The shapes of the outputs, in their order."""
    noise: Mapping[str, str] = field(default_factory=dict)
    """Of the inputs that are noise: "standard normal", or "uniform in [0, 1)"."""

    def to_symbol(self, prefix: Union[str, Path]) -> tuple[Path, Path]:
        """Write the graph and its parameters as Gluon does.

        ``gluon.SymbolBlock.imports(symbol_file, list(graph.inputs), parameter_file)`` makes a block of them that
        takes batches of any size and can be trained further. It returns the outputs in their order.

        Parameters
        ----------
        prefix : str or Path
            What the names of the files begin with.

        Returns
        -------
        symbol_file, parameter_file : Path
            ``PREFIX-symbol.json`` and ``PREFIX-0000.params``.

        Raises
        ------
        OSError
            If they cannot be written.
        """
        auxiliary = set(self.symbol.list_auxiliary_states())
        values = {f"{'aux' if name in auxiliary else 'arg'}:{name}": of for name, of in self.parameters.items()}
        files = Path(f"{prefix}-symbol.json"), Path(f"{prefix}-0000.params")
        # the graph last: without it the parameters are not taken for an export
        write_bytes(files[1], written_by(lambda path: mx.nd.save(path, values)))
        write_bytes(files[0], self.symbol.tojson().encode())
        return files

    def to_onnx(self, path: Union[str, Path]) -> Path:
        """Write the graph as an ONNX file of operator set 17, whose batches may have any size.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ValueError
            If an operator has no counterpart in ONNX, or a parameter is not float32.
        ImportError
            If the package onnx is not installed.
        OSError
            If it cannot be written.
        """
        from .onnx_file import onnx_model

        write_bytes(Path(path), onnx_model(self).SerializeToString())
        return Path(path)

    def __str__(self) -> str:
        tensors = (*self.inputs.items(), *self.outputs.items())
        width = max(len(name) for name, _ in tensors)
        lines = [f"{name:<{width}}  {in_words(of)}  {self.noise.get(name, '')}".rstrip() for name, of in tensors]
        heads = ["in "] + [""] * (len(self.inputs) - 1) + ["out"] + [""] * (len(self.outputs) - 1)
        return "\n".join([self.name, *(f"  {head:<4}{line}" for head, line in zip(heads, lines))])


def trace(
    name: str,
    block: Block,
    inputs: Mapping[str, Shape],
    compute: Callable[..., Named],
    noise: Mapping[str, str] = MappingProxyType({}),
) -> Graph:
    """Make the graph of a computation.

    Parameters
    ----------
    name : str
        See :class:`Graph`.
    block : HybridBlock
        What has the parameters: those of its names that are used are exported.
    inputs : Mapping[str, Shape]
        Names and shapes of the inputs.
    compute : Callable[..., dict[str, Symbol]]
        Called with a Symbol for each input, it returns those of the outputs by name.
    noise : Mapping[str, str]
        See :class:`Graph`.

    Returns
    -------
    Graph

    Raises
    ------
    ValueError
        If a part of the computation cannot be traced, or is an operator in Python.
    RuntimeError
        If a parameter has no value.
    """
    block.collect_params()  # initialises weights of a bound
    named: dict[str, Any] = dict(block._collect_params_with_prefix())
    parameters = {of.name: (place, of) for place, of in reversed(list(named.items()))}
    try:
        with mxnets_own(), mx.autograd.pause():
            outputs = compute(*map(mx.sym.var, inputs))
    except (mx.base.NotImplementedForSymbol, AttributeError) as error:
        raise ValueError(
            f"the {name} cannot be exported, as it cannot be hybridised: a graph has no values and no shapes to ask "
            f"for ({error})"
        ) from error
    symbol = mx.sym.Group([mx.sym.identity(of, name=output) for output, of in outputs.items()])
    used = [argument for argument in symbol.list_inputs() if argument not in inputs]
    _check_values(name, [parameters[argument][1] for argument in used])
    _check_operators(name, symbol)
    arguments = set(symbol.list_arguments())
    constants = [of for of in used if of in arguments and parameters[of][1].grad_req == "null"]
    # an imported block would train them
    symbol = symbol(**{of: mx.sym.BlockGrad(parameters[of][1].var(), name=f"{of}_constant") for of in constants})
    symbol = _renamed(symbol, {argument: parameters[argument][0] for argument in used})
    values = {place: of._reduce() for place, of in (parameters[argument] for argument in used)}
    shapes = infer_shapes(symbol, {**inputs, **{place: shape(*of.shape) for place, of in values.items()}})
    heads = [shapes[node, output] for node, output, *_ in json.loads(symbol.tojson())["heads"]]
    return Graph(name, symbol, values, dict(inputs), dict(zip(outputs, heads)), noise)


def _check_values(name: str, parameters: list[Any]) -> None:
    """Raise where a parameter has no value yet."""
    for of in parameters:
        if of._data is None:
            what = "call the model once, vae(data)" if of._deferred_init else "initialise the model, vae.initialize()"
            raise RuntimeError(f"the {name} cannot be exported yet, as {of.name} has no value: {what}")


def _check_operators(name: str, symbol: Any) -> None:
    """Raise for an operator that is a Python function of a user's."""
    for node in json.loads(symbol.tojson())["nodes"]:
        if node["op"] == "Custom":
            raise ValueError(
                f"the {name} cannot be exported: {node['name']} is the operator {node['attrs']['op_type']} in Python, "
                "which is only known in this process"
            )


def _renamed(symbol: Any, names: Mapping[str, str]) -> Any:
    """Return a graph with other names for its inputs."""
    content = json.loads(symbol.tojson())
    for node in content["nodes"]:
        if node["op"] == "null":
            node["name"] = names.get(node["name"], node["name"])
            # how it is initialised and shaped is of no use where there are values
            node.pop("attrs", None)
    return mx.sym.load_json(json.dumps(content))
