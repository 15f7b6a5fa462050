"""Many samples in bounded memory: the terms of an objective and their gradient, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..backend.runtime import mx
from ..backend.structures import leaves, map_structure, rebuild, split
from ..backend.types import Operators, Structure, Tensor
from ..networks import GraphOver, find_block
from .terms import Inputs

NOT_IN_CHUNKS = {"BatchNorm": "looks at all rows of a batch", "Dropout": "draws anew each time"}
"""Gluon's blocks that in training make something else of a part of the samples than of all, and why."""


def check_chunks(objective: Any, batch_size: int) -> None:
    """Raise ValueError for a model whose samples cannot be trained on in parts."""
    if not (mx.autograd.is_training() or mx.autograd.is_recording()):
        return
    for name, does in NOT_IN_CHUNKS.items():
        if find_block(objective.vae, getattr(mx.gluon.nn, name)):
            raise ValueError(
                f"{name} {does}, and {objective.samples} samples of {batch_size} data points would not fit into memory "
                "at once: take fewer samples or smaller batches, or a body without it"
            )


class SampledTerms(GraphOver):
    """What an objective computes for each sample, as a graph of its own.

    It is called with data, the leaves of the noise, a label in a conditional model, and a path scale if the
    objective has one, and returns the leaves of ``sampled_terms``.
    """

    def __init__(self, objective: Any) -> None:
        super().__init__()
        for name, child in objective._children.items():
            self.register_child(child, name)
        # a method, not the block itself, which has this one
        self._sampled_terms = objective.sampled_terms
        self._noise, self._scales_path = objective.noise, objective.scales_path
        self.structure: Structure = None
        # not static_shape: within a backward pass its operators may wait for ever under MXNet's threaded engine
        self.hybridize(objective._active, **{**dict(objective._flags), "static_shape": False})

    def hybrid_forward(self, F: Operators, data: Tensor, *inputs: Tensor) -> list[Tensor]:
        noise, rest = split(self._noise, inputs)
        label, scale = (rest[:-1], rest[-1]) if self._scales_path else (rest, None)
        self.structure = self._sampled_terms(F, Inputs(data, tuple(label), scale), noise)
        return leaves(self.structure)


def in_chunks(
    objective: Any, sampler: SampledTerms, data: Tensor, noise: Structure, label: Sequence[Tensor], chunk: int
) -> tuple[Tensor, ...]:
    """Compute what ``objective.combine`` returns, with no more than ``chunk`` samples in memory.

    The gradient in the parameters is exact: first that of ``combine`` in the terms, then each chunk is
    computed anew and given its share.
    """
    if any(p._data is None for p in sampler.collect_params().values()):
        # sizes that were left to the first call
        sampler(data, *leaves(map_structure(lambda x: x[:1], noise)), *label, *_unscaled(objective, noise, slice(1)))
    parameters = [p.data(data.context) for p in sampler.collect_params().values() if p.grad_req != "null"]
    return tuple(_InChunks(objective, sampler, data, noise, label, chunk)(*parameters))


def _unscaled(objective: Any, noise: Structure, rows: slice) -> list[Tensor]:
    """A scale that changes nothing, where there is one: a hybridised block is called with as many tensors each time."""
    return [mx.nd.ones_like(leaves(noise)[0][rows, :, 0])] if objective.scales_path else []


class _InChunks(mx.autograd.Function):
    def __init__(
        self,
        objective: Any,
        sampler: SampledTerms,
        data: Tensor,
        noise: Structure,
        label: Sequence[Tensor],
        chunk: int,
    ) -> None:
        super().__init__()
        self.objective, self.sampler = objective, sampler
        self.data, self.noise, self.label, self.chunk = data, noise, label, chunk

    def _chunks(self) -> Iterator[slice]:
        samples = len(leaves(self.noise)[0])
        return (slice(start, min(start + self.chunk, samples)) for start in range(0, samples, self.chunk))

    def _sampled(self, rows: slice, scale: list[Tensor]) -> list[Tensor]:
        noise = [leaf[rows] for leaf in leaves(self.noise)]
        return list(self.sampler(self.data, *noise, *self.label, *scale))

    def forward(self, *parameters: Tensor) -> tuple[Tensor, ...]:
        self.parameters = parameters
        of_chunks = zip(*(self._sampled(rows, _unscaled(self.objective, self.noise, rows)) for rows in self._chunks()))
        # (k, B), or (B,) where no sample matters, and any chunk tells
        self.values = [mx.nd.concat(*chunks, dim=0) if chunks[0].ndim == 2 else chunks[0] for chunks in of_chunks]
        for value in self.values:
            value.attach_grad()
        weights = self.objective.weights_for(self.data)
        with mx.autograd.record():
            # a term may itself be a result, which a leaf of a graph may not
            terms = rebuild(self.sampler.structure, [mx.nd.identity(value) for value in self.values])
            self.combined = list(self.objective.combine(mx.nd, terms, weights))
        self.scale = None
        if self.objective.scales_path:
            self.scale = self.objective.path_scale(mx.nd, rebuild(self.sampler.structure, self.values), weights)
        return tuple(tensor.detach() for tensor in self.combined)

    def backward(self, *head_grads: Tensor) -> list[Tensor]:
        # retained, as the user may differentiate the bound again
        mx.autograd.backward(self.combined, list(head_grads), retain_graph=True)
        total: list[Tensor] = []
        for rows in self._chunks():
            with mx.autograd.record():
                terms = self._sampled(rows, [] if self.scale is None else [self.scale[rows]])
            shares = [self._share(value.grad, rows) for value in self.values]
            grads = mx.autograd.grad(terms, list(self.parameters), shares)
            total = [a + b for a, b in zip(total, grads)] if total else grads
        return total

    @staticmethod
    def _share(grad: Tensor, rows: slice) -> Tensor:
        """Of a term's gradient, that of one chunk; of what does not depend on the sample, the first's."""
        if grad.ndim == 2:
            return grad[rows]
        return grad if rows.start == 0 else mx.nd.zeros_like(grad)
