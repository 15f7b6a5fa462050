"""Many samples in bounded memory: a function of sums over samples and its gradient, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Callable, Optional

from ..backend.runtime import mx

Tensors = Sequence[Any]


def in_chunks(
    parts: Any,
    combine: Callable[..., Tensors],
    path_scale: Optional[Callable[..., Any]],
    data: Any,
    noise: Any,
    weights: Tensors,
    chunk: int,
) -> tuple[Any, ...]:
    """``combine(F, *parts(data, noise), *weights)`` with no more than ``chunk`` samples in memory.

    Parameters
    ----------
    parts : a block that returns tensors ``(k, B)`` or ``(B,)`` for noise ``(k, B, D)``.
    combine : what is made of them; small, so that its own graph may be kept.
    path_scale : what is made of them for ``parts`` to scale gradients with, as its third argument, ``(k, B)``,
        if it does that; takes what ``combine`` takes.

    The gradient in the parameters of ``parts`` is exact: first that of ``combine`` in the parts, then
    each chunk is computed anew and given its share.
    """
    if any(p._data is None for p in parts.collect_params().values()):
        parts(data, noise[:1], *_unscaled(path_scale, noise[:1]))  # sizes that were left to the first call
    parameters = [p.data(data.context) for p in parts.collect_params().values() if p.grad_req != "null"]
    return tuple(_InChunks(parts, combine, path_scale, data, noise, weights, chunk)(*parameters))


def _unscaled(path_scale: Optional[Callable[..., Any]], noise: Any) -> Tensors:
    """The scale that changes nothing, where there is one: a hybridised block is called with as many tensors
    each time."""
    return () if path_scale is None else (mx.nd.ones_like(noise[:, :, 0]),)


class _InChunks(mx.autograd.Function):
    def __init__(
        self,
        parts: Any,
        combine: Callable[..., Tensors],
        path_scale: Optional[Callable[..., Any]],
        data: Any,
        noise: Any,
        weights: Tensors,
        chunk: int,
    ) -> None:
        super().__init__()
        self.parts, self.combine, self.path_scale = parts, combine, path_scale
        self.data, self.noise, self.weights, self.chunk = data, noise, weights, chunk

    def _chunks(self) -> Iterator[tuple[int, Any]]:
        for start in range(0, len(self.noise), self.chunk):
            yield start, self.noise[start : start + self.chunk]

    def forward(self, *parameters: Any) -> Tensors:
        self.parameters = parameters
        unscaled = ((noise, *_unscaled(self.path_scale, noise)) for _, noise in self._chunks())
        of_chunks = list(zip(*(self.parts(self.data, *inputs) for inputs in unscaled)))
        # (k, B), or (B,) where no sample matters, and any chunk tells
        self.values = [mx.nd.concat(*chunks, dim=0) if chunks[0].ndim == 2 else chunks[0] for chunks in of_chunks]
        for value in self.values:
            value.attach_grad()
        with mx.autograd.record():
            # a part may itself be a result, which a leaf of a graph may not
            parts = [mx.nd.identity(value) for value in self.values]
            self.combined = self.combine(mx.nd, *parts, *self.weights)
        self.scale = None if self.path_scale is None else self.path_scale(mx.nd, *self.values, *self.weights)
        return tuple(tensor.detach() for tensor in self.combined)

    def backward(self, *head_grads: Any) -> Tensors:
        mx.autograd.backward(list(self.combined), list(head_grads))
        total: list[Any] = []
        for start, noise in self._chunks():
            scale = () if self.scale is None else (self.scale[start : start + len(noise)],)
            with mx.autograd.record():
                parts = self.parts(self.data, noise, *scale)
            shares = [self._share(value.grad, start, len(noise)) for value in self.values]
            grads = mx.autograd.grad(list(parts), list(self.parameters), shares)
            # copied: of a static graph they are its own memory, which the next chunk writes over
            total = [a + b for a, b in zip(total, grads)] if total else [grad.copy() for grad in grads]
        return total

    @staticmethod
    def _share(grad: Any, start: int, count: int) -> Any:
        """Of a part's gradient, that of one chunk; of what does not depend on the sample, the first's."""
        if grad.ndim == 2:
            return grad[start : start + count]
        return grad if start == 0 else mx.nd.zeros_like(grad)
