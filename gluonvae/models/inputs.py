"""Checks of what a model is called with, and noise for it where that is left out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Optional

from .. import noise as _noise
from ..backend.operators import is_symbol
from ..backend.regions.alike import LastAccepted
from ..backend.types import Context, DType, Label, Parameter, Structure, Tensor
from ..generator import Generator
from ..networks import XavierBlock


class ModelInputs(XavierBlock):
    """Base of the models: their data, noise and labels, on one device and in one dtype."""

    generator: Generator
    label_size = 0
    """Y, how many numbers a label has; 0 in a model without labels."""

    @property
    def dtype(self) -> DType:
        """The dtype of parameters, data and noise."""
        return self.generator.dtype

    @property
    def context(self) -> Context:
        """The device of the parameters; the first, where there are several."""
        return self._first_parameter.list_ctx()[0]

    @cached_property
    def _first_parameter(self) -> Parameter:
        # collect_params takes longer than the noise of a batch
        return next(iter(self.collect_params().values()))

    def encode_label(self, label: Any, count: int) -> tuple[Tensor, ...]:
        """Return the labels of ``count`` data points as inputs of the graph: here there are none.

        Raises
        ------
        TypeError
            If there is one.
        """
        if label is not None:
            raise TypeError(f"{type(self).__name__} takes no label, got one: ConditionalVAE takes labels")
        return ()

    def validated(
        self,
        data: Tensor,
        noise: Optional[Structure],
        label: Optional[Label],
        spec: Structure,
        samples: Optional[int] = None,
    ) -> tuple[Tensor, Structure, tuple[Tensor, ...]]:
        """Return data, noise and labels as a graph takes them, checked, the noise drawn where it is left out.

        Parameters
        ----------
        data, noise, label
            See :meth:`gluonvae.VAE.__call__`. Symbols are not looked at.
        spec : NoiseSpec or named tuple of NoiseSpec
            The noise that is wanted.
        samples : int, optional
            k; left out, one is drawn, and noise may be given for any number.
        """
        if is_symbol(data):
            if noise is None or (label is None and self.label_size):
                raise TypeError("noise must be given where the data is a Symbol, and so must a label that is taken")
            return data, noise, self.encode_label(label, 0)
        self.generator.check_data(data)
        rows, ctx = len(data), data.context
        noise = self.drawn_or_checked(noise, spec, _leading(samples or 1, rows), samples is None, ctx)
        return data, noise, tuple(of.as_in_context(ctx) for of in self.encode_label(label, rows))

    def drawn_or_checked(
        self,
        noise: Optional[Structure],
        spec: Structure,
        leading: Sequence[int],
        any_samples: bool = False,
        ctx: Optional[Context] = None,
    ) -> Structure:
        """Return noise drawn where it is None, else as it is, checked to have the leading axes, or any before them."""
        if noise is None:
            return _noise.own.draw(spec, leading, ctx or self.context, self.dtype)
        key = spec, leading, any_samples, self.dtype
        if self._accepted.values_if_like(noise, key) is None:
            _noise.check(noise, spec, (..., *leading) if any_samples else leading, self.dtype)
            if isinstance(spec, _noise.NoiseSpec):
                self._accepted.remember(noise, key)
        return noise

    @cached_property
    def _accepted(self) -> LastAccepted:
        return LastAccepted()

    def draw_noise(
        self, spec: Structure, batch_size: int, samples: int = 1, source: Optional[_noise.NoiseSource] = None
    ) -> Structure:
        """Draw noise for a batch on the device and in the dtype of the parameters, ``(B, size)`` or ``(k, B, size)``.

        Parameters
        ----------
        spec : NoiseSpec or named tuple of NoiseSpec
        batch_size, samples : int
            B and k.
        source : gluonvae.noise.NoiseSource, optional
            By default :data:`gluonvae.noise.source`.
        """
        return (source or _noise.source).draw(spec, _leading(samples, batch_size), self.context, self.dtype)


def _leading(samples: int, batch_size: int) -> Sequence[int]:
    return (batch_size,) if samples == 1 else (samples, batch_size)
