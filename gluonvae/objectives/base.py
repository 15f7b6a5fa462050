"""What every bound answers."""

from __future__ import annotations

import math
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from .. import checks
from ..backend.operators import Tensor, is_symbol, namespace, stop_gradient
from ..backend.runtime import mx
from ..models.vae import VAE
from ..networks import XavierBlock, find
from ..registry import Registry
from .chunks import in_chunks

BOUNDS = Registry("bound")
"""Bounds by name."""

PIXELS_AT_ONCE = 2**25
"""How many pixels, of all samples of a batch, a graph computes at once (or numbers of what is wider): 128 MB an
array of float32, of which a training graph holds half a dozen."""

NOT_IN_CHUNKS = {"BatchNorm": "looks at all rows of a batch", "Dropout": "draws anew each time"}
"""Gluon's blocks that in training make of a chunk something else than of the whole, or each time another, and why."""


class Terms(NamedTuple):
    """What an objective computes for each data point, ``(B,)`` each, in nats."""

    objective: Tensor
    """What is maximised."""
    bound: Tensor
    """The lower bound on log p(x): the same, but for a weight on one of the terms."""
    log_likelihood: Tensor
    """log p(x | z), averaged over the samples."""
    kl: Tensor
    """KL(q(z | x) || p(z)), or the average of log q(z | x) - log p(z) over the samples."""


class Weight:
    """A number of an objective that may be set at any time, ``bound.beta = 0.5``: it is an input of the
    graph, so that nothing is traced anew.

    Parameters
    ----------
    minimum, maximum : the least and the most that it may be.
    """

    def __init__(self, minimum: float = 0.0, maximum: float = math.inf) -> None:
        self.minimum, self.maximum = minimum, maximum

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, objective: Any, owner: Optional[type] = None) -> Any:
        return self if objective is None else getattr(objective, f"_{self.name}")

    def __set__(self, objective: Any, value: float) -> None:
        if not (math.isfinite(value) and self.minimum <= value <= self.maximum):
            raise ValueError(f"{self.name} must be a finite number{self._range()}, got {value}")
        objective.__dict__[f"_{self.name}"] = float(value)

    def _range(self) -> str:
        if math.isinf(self.maximum):
            return ", not negative" if self.minimum == 0 else f", at least {self.minimum:g}"
        return (
            f" from {self.minimum:g} to {self.maximum:g}"
            if math.isfinite(self.minimum)
            else f", at most {self.maximum:g}"
        )


class Objective(XavierBlock):
    """Base of the bounds. A kind of bound says

    - what it is made of: ``parts``, a block of ``(inputs, noise)``, the first of which :meth:`VAE.inputs` made
      of data and label, that returns tensors ``(k, B)``, one
      number a sample, or ``(B,)``, the same for every sample (k = 1 has no sample axis);
    - what it makes of them: ``combine(F, *parts, *weights)``, the four tensors of :class:`Terms`;
    - what may change from step to step: each a class attribute that is a :class:`Weight`;
    - if the inference network's gradient is not that of the objective, ``path_scale``, and that it
      ``scales_path``: the scale is made of a first pass over the parts, one more forward pass a step.

    Where ``(k, B, X)`` would be too large for memory the samples are taken in chunks: the parts are
    computed without their graph, and each chunk once more when the gradient is wanted. Bound and
    gradient are the same to rounding, of a network that is a function of its inputs; data and noise
    have no gradient then.

    Parameters
    ----------
    vae : the model.
    samples : k, the number of latent states drawn for a data point.
    parts : see above.
    """

    score_function = False
    """Whether the gradient in the parameters of q is that of its log density alone: latent states then need not
    be differentiable."""

    scales_path = False
    """Whether ``path_scale`` multiplies each sample's gradient in the parameters of q; ``parts`` then takes
    it as its third argument."""

    def __init__(self, vae: VAE, samples: int, parts: Callable[[VAE], Any]) -> None:
        super().__init__()
        if not isinstance(vae, VAE):
            raise TypeError(f"vae must be a VAE, got {type(vae).__name__}")
        self.check_posterior(vae.inference_net)
        self.vae = vae
        self.samples = checks.positive_int("samples", samples)
        self.parts = parts(vae)
        bases = reversed(type(self).__mro__)
        self.weight_names = [name for base in bases for name, of in vars(base).items() if isinstance(of, Weight)]
        """The numbers that may change from step to step, in the order that ``combine`` takes them."""
        self._weight_tensors: dict[Any, Any] = {}

    def check_posterior(self, net: Any) -> None:
        """ValueError for an inference network that this objective would not train."""
        if net.deterministic:
            raise ValueError(
                f"{type(self).__name__} does not train the codebook of {type(net).__name__}: use VQELBO, 'vq' by name"
            )
        if not (net.reparametrised or self.score_function):
            raise ValueError(
                f"{type(self).__name__} differentiates latent states, and those of {type(net).__name__} are discrete: "
                "use NVIL, VIMCO or a relaxed posterior"
            )

    @property
    def adjustable(self) -> dict[str, Any]:
        """What has each number that may change from step to step, by its name: the bound, or a part of the model."""
        net = self.vae.inference_net
        return {**dict.fromkeys(net.weight_names, net), **dict.fromkeys(self.weight_names, self)}

    def noise_shape(self, batch: int) -> tuple[int, ...]:
        """Shape of the standard normal noise that a batch of so many data points needs."""
        return self.vae.inference_net.noise_shape(batch, self.samples)

    def width(self, batch: int) -> int:
        """The most numbers of anything computed for one latent state, in a batch of so many data points."""
        return self.vae.width

    def __call__(self, data: Tensor, noise: Optional[Tensor] = None, label: Optional[Tensor] = None) -> Tensor:
        """:meth:`forward`; Gluon's own takes no argument by name."""
        return super().__call__(data, noise, label)

    def forward(self, data: Tensor, noise: Optional[Tensor] = None, label: Optional[Tensor] = None) -> Tensor:
        """The objective, ``(B,)``, for data ``(B, X)`` and standard normal noise of :meth:`noise_shape`:
        ``(B, D)``, or ``(k, B, D)`` where k > 1, for most models; the noise is drawn where left out.
        ``label`` is for a model that takes labels."""
        return self.terms(data, noise, label).objective

    def terms(self, data: Tensor, noise: Optional[Tensor] = None, label: Optional[Tensor] = None) -> Terms:
        """The objective and what it is made of; takes what :meth:`forward` takes."""
        return self.checked_terms(self.vae.inputs(data, label), noise)

    def checked_terms(self, inputs: Tensor, noise: Optional[Tensor] = None) -> Terms:
        """:meth:`terms`, for what :meth:`VAE.inputs` returned."""
        return self.unchecked_terms(inputs, self.vae.checked_noise(inputs, noise, self.noise_shape))

    def unchecked_terms(self, inputs: Tensor, noise: Tensor) -> Terms:
        """:meth:`checked_terms`, for who knows that inputs and noise fit: the values are not looked at."""
        weights = tuple(self._weight(name, inputs) for name in self.weight_names)
        if not is_symbol(inputs):
            chunk = max(1, PIXELS_AT_ONCE // (len(inputs) * self.width(len(inputs))))
            if chunk < self.samples:
                self._check_chunks(len(inputs))
                path_scale = self.path_scale if self.scales_path else None
                return Terms(*in_chunks(self.parts, self.combine, path_scale, inputs, noise, weights, chunk))
        return self.computed(*super().forward(inputs, noise, *weights))

    def computed(self, *outputs: Tensor) -> Terms:
        """What becomes of the outputs of the graph: :class:`Terms`, which are its first four."""
        return Terms(*outputs)

    def _check_chunks(self, batch: int) -> None:
        """ValueError for a model that in training makes of each chunk something else than of the whole."""
        if not (mx.autograd.is_training() or mx.autograd.is_recording()):
            return
        for name, does in NOT_IN_CHUNKS.items():
            if find(self.vae, getattr(mx.gluon.nn, name)):
                raise ValueError(
                    f"{name} {does}, and {self.samples} samples of {batch} data points would not fit into memory at "
                    "once: take fewer samples or smaller batches, or a body without it"
                )

    def _weight(self, name: str, data: Tensor) -> Tensor:
        """The weight as an input of the graph, on the device of ``data``."""
        value = getattr(self, name)
        if is_symbol(data):
            return mx.sym.full((1,), value)
        place = name, data.context, np.dtype(data.dtype)
        made_of, tensor = self._weight_tensors.get(place, (None, None))
        if made_of != value:
            # made as float64, which keeps its digits, or as float32, which casts to any other
            made = np.float64 if place[-1] == np.float64 else np.float32
            tensor = mx.nd.full((1,), value, data.context, made).astype(data.dtype, copy=False)
            self._weight_tensors[place] = value, tensor
        return tensor

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        scale: tuple[Tensor, ...] = ()
        if self.scales_path:
            # paused: this pass has no gradient, and so need not be kept
            with mx.autograd.pause(mx.autograd.is_training()):
                scale = (_constant(self.path_scale(F, *self.parts(inputs, noise), *weights)),)
        return self.combine(F, *self.parts(inputs, noise, *scale), *weights)

    def combine(self, F: Any, *parts_and_weights: Tensor) -> tuple[Tensor, ...]:
        raise NotImplementedError(f"{type(self).__name__} must define combine(F, *parts, *weights)")

    def path_scale(self, F: Any, *parts_and_weights: Tensor) -> Tensor:
        """What each sample's gradient in the parameters of q is multiplied by, ``(k, B)``."""
        raise NotImplementedError(f"{type(self).__name__} must define path_scale(F, *parts, *weights)")

    def _sample_mean(self, x: Tensor) -> Tensor:
        """The mean over the sample axis, where there is one: ``(k, B)`` or ``(B,)`` to ``(B,)``."""
        F = namespace(x)
        return x if self.samples == 1 else F.mean(F.reshape(x, shape=(-1, 0), reverse=True), axis=0)


def _constant(x: Tensor) -> Tensor:
    """``x``, of which no gradient is computed. A graph's is stopped where it begins: zeros from its end would
    be sent back through every layer, which takes as long as a gradient."""
    if not is_symbol(x):
        return stop_gradient(x)
    inputs = x.get_internals()
    return x(**{name: mx.sym.BlockGrad(inputs[name]) for name in x.list_arguments()})
