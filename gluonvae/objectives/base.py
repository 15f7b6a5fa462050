"""Base class of the bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, ClassVar, Optional

from .. import checks
from ..backend.operators import is_symbol, namespace
from ..backend.processes import one_thread_at_a_time
from ..backend.runtime import mx
from ..backend.structures import leaves, map_structure, split
from ..backend.types import Label, Operators, Parameter, Structure, Tensor, Weights
from ..distributions import Distribution
from ..inference import InferenceNetwork
from ..models import VAE
from ..networks import XavierBlock, XavierOrUniform
from ..noise import NoiseSource
from ..registry import Registry
from ..weights import find_weights, prepare, weights_type
from .chunks import SampledTerms, check_chunks, in_chunks
from .estimators import GradientEstimator, without_gradient
from .terms import Inputs, Terms

BOUNDS = Registry("bound")
"""Bounds by name."""

FLOATS_AT_ONCE = 2**25
"""How long the longest tensor of a graph may be, of all samples of a batch: 128 MB of float32, of which a training
graph holds half a dozen."""


class Objective(XavierBlock):
    """Base class of the bounds on log p(x): blocks over a model, which return what is maximised.

    A kind of bound defines

    - ``sampled_terms(F, x, noise)``: a named tuple of tensors ``(k, B)``, one number a sample, or ``(B,)``, the
      same for every sample (k = 1 has no sample axis), from :meth:`posterior`, :meth:`prior` and
      :meth:`log_likelihood`;
    - ``combine(F, terms, weights)``: the :class:`Terms` made of that named tuple, and of the named tuple of
      the bound's weights, ``(1,)`` each;
    - its weights, which may change from step to step, as class attributes: ``beta = Weight()``;
    - if the gradient of the inference network is not that of the objective, ``path_scale(F, terms, weights)``,
      and that it ``scales_path``. That costs one more forward pass a step.

    Where ``(k, B, X)`` would be too large for memory the samples are taken in chunks: ``sampled_terms`` is
    computed without its graph, and for each chunk once more when the gradient is wanted. Bound and
    gradient are the same to rounding, of a network that is a function of its inputs; data and noise
    have no gradient then.

    Parameters
    ----------
    vae : VAE
        The model.
    samples : int
        k, the number of latent states drawn for a data point.
    gradient : str
        Gradient estimator: "standard"; "stl", sticking the landing (Roeder, Wu and Duvenaud 2017), which leaves
        out the score of q; or, of some bounds, "dreg", doubly reparametrised (Tucker et al. 2019).

    Examples
    --------
    >>> class MyELBO(gluonvae.Objective):
    ...     beta = Weight()
    ...
    ...     def __init__(self, vae, beta=1.0):
    ...         super().__init__(vae)
    ...         self.beta = beta
    ...
    ...     def sampled_terms(self, F, x, noise):
    ...         q, p = self.posterior(x), self.prior(x)
    ...         z = q.rsample(noise)
    ...         return MyTerms(self.log_likelihood(x, z), q.log_prob(z) - p.log_prob(z))
    ...
    ...     def combine(self, F, terms, weights):
    ...         objective = terms.log_likelihood - F.broadcast_mul(terms.kl, weights.beta)
    ...         return Terms(objective, terms.log_likelihood - terms.kl, *terms)
    """

    score_function = False
    """Whether the gradient in the parameters of q is that of its log density alone: latent states then need not
    be differentiable."""

    of_single_rows = True
    """Whether its value at a data point does not depend on the others in the batch, which may be computed in parts."""

    in_parts_instead = "with a bound of single data points such as ELBO or IWAE"
    """What a user may do who wants to compute a batch in parts."""

    fixed: ClassVar[tuple[str, ...]] = ("vae", "samples", "gradient")

    def __init__(self, vae: VAE, samples: int = 1, gradient: str = "standard") -> None:
        super().__init__()
        if not isinstance(vae, VAE):
            raise TypeError(f"vae must be a VAE, got {type(vae).__name__}")
        self.check_posterior(vae.inference_net)
        self.vae = vae
        self.samples = checks.positive_int("samples", samples)
        self.gradient = gradient
        self.scales_path = False

    def check_posterior(self, net: InferenceNetwork) -> None:
        """Raise ValueError for an inference network that this objective would not train."""
        if net.deterministic:
            raise ValueError(
                f"{type(self).__name__} does not train the codebook of {type(net).__name__}: use VQELBO, 'vq' by name"
            )
        if not (net.reparametrized or self.score_function):
            raise ValueError(
                f"{type(self).__name__} differentiates latent states, and those of {type(net).__name__} are discrete: "
                "use NVIL, VIMCO or a relaxed posterior"
            )

    @cached_property
    def noise(self) -> Structure:
        """The noise of a data point for each sample, a NoiseSpec or a named tuple of them."""
        return self.vae.inference_net.noise

    def draw_noise(self, batch_size: int, source: Optional[NoiseSource] = None) -> Structure:
        """Draw noise for a batch, ``(B, size)`` or, where k > 1, ``(k, B, size)``.

        Parameters
        ----------
        batch_size : int
            B.
        source : gluonvae.noise.NoiseSource, optional
            By default :data:`gluonvae.noise.source`.
        """
        return self.vae.draw_noise(self.noise, batch_size, self.samples, source)

    @property
    def _weights_type(self) -> Any:
        return weights_type(type(self))

    @property
    def weights(self) -> dict[str, float]:
        """The numbers of the bound and its model that may change from step to step, by name."""
        return {name: getattr(owner, name) for name, owner in find_weights(self).items()}

    def floats_per_sample(self, batch_size: int) -> int:
        """Return the length of the longest tensor that one latent state of a batch takes."""
        return self.vae.floats_per_sample

    def __call__(self, data: Tensor, noise: Optional[Structure] = None, label: Optional[Label] = None) -> Tensor:
        """Compute the objective.

        Parameters
        ----------
        data : NDArray
            ``(B, X)``.
        noise : NDArray or named tuple of NDArray, optional
            Noise as :meth:`draw_noise` draws it, which it is where left out.
        label : optional
            The labels, in a model that takes them, see :class:`gluonvae.ConditionalVAE`.

        Returns
        -------
        NDArray
            What is to be maximised, ``(B,)``, in nats.
        """
        with self.only_objective():
            return self.terms(data, noise, label).objective

    @contextmanager
    def only_objective(self) -> Iterator[None]:
        """Context manager of calls of which only the objective is differentiated.

        The other terms may be constants to autograd, which is faster. They are not where a hook of Gluon's sees them.
        """
        self.__dict__["_first_alone"] = not self._forward_hooks
        try:
            yield
        finally:
            self.__dict__["_first_alone"] = False

    @one_thread_at_a_time(lambda bound: bound.vae)
    def terms(
        self, data: Tensor, noise: Optional[Structure] = None, label: Optional[Label] = None, validated: bool = False
    ) -> Terms:
        """Compute the objective and its terms.

        Every call goes through here and through Gluon's hooks, which see the terms as the output.

        Parameters
        ----------
        data, noise, label
            See :meth:`__call__`.
        validated : bool
            The caller has checked the inputs: the noise is given, and so are the labels, as ``(B, Y)``.
        """
        if validated:
            return super().__call__(data, noise, *(() if label is None else (label,)))
        data, noise, labels = self.vae.validated(data, noise, label, self.noise, self.samples)
        return super().__call__(data, noise, *labels)

    def forward(self, data: Tensor, noise: Structure, *label: Tensor) -> Terms:
        if not is_symbol(data):
            self._initialize_own()
            rows = len(data)
            chunk = max(1, FLOATS_AT_ONCE // (rows * self.floats_per_sample(rows)))
            if chunk < self.samples:
                check_chunks(self, rows)
                return self.finish(in_chunks(self, self._sampler, data, noise, label, chunk))
        return self.finish(super().forward(data, *leaves(noise), *label))

    def finish(self, outputs: Sequence[Tensor]) -> Terms:
        """Return the outputs of the graph, those that :meth:`combine` returned, as terms."""
        return Terms(*outputs)

    def hybrid_forward(self, F: Operators, data: Tensor, *inputs: Tensor, **own: Tensor) -> tuple[Tensor, ...]:
        noise, label = split(self.noise, inputs)
        x = Inputs(data, tuple(label))
        # without it MXNet computes a gradient of each weight as well, and throws it away
        named = self._weights_type(*(F.BlockGrad(own[name]) for name in self._weights_type._fields))
        if self.scales_path:
            # paused: this pass has no gradient, and so need not be kept
            with mx.autograd.pause(mx.autograd.is_training()):
                scale = without_gradient(self.path_scale(F, self.sampled_terms(F, x, noise), named))
            x = x._replace(path_scale=scale)
        return tuple(self.combine(F, self.sampled_terms(F, x, noise), named))

    def sampled_terms(self, F: Operators, x: Inputs, noise: Structure) -> Structure:
        """Compute the terms of the bound for each sample.

        Parameters
        ----------
        F : module
            ``mx.nd`` or ``mx.sym``.
        x : Inputs
            The batch, for :meth:`posterior`, :meth:`prior` and :meth:`log_likelihood`.
        noise : Tensor or named tuple of Tensor
            Noise as :attr:`noise` asks for it.

        Returns
        -------
        named tuple of Tensor
            ``(k, B)`` or ``(B,)`` each.
        """
        raise NotImplementedError(f"{type(self).__name__} must define sampled_terms(F, x, noise)")

    def combine(self, F: Operators, terms: Structure, weights: Weights) -> tuple[Tensor, ...]:
        """Combine the terms into the objective and the bound.

        Parameters
        ----------
        F : module
            ``mx.nd`` or ``mx.sym``.
        terms : named tuple of Tensor
            What :meth:`sampled_terms` returned, of all samples.
        weights : named tuple of Tensor
            The weights of the bound, ``(1,)`` each.

        Returns
        -------
        Terms
        """
        raise NotImplementedError(f"{type(self).__name__} must define combine(F, terms, weights)")

    def path_scale(self, F: Operators, terms: Structure, weights: Weights) -> Tensor:
        """Compute what each sample's gradient in the parameters of q is multiplied by, ``(k, B)``.

        It takes the arguments of :meth:`combine`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define path_scale(F, terms, weights)")

    def posterior(self, x: Inputs) -> Distribution:
        """Return q(z | x), whose draws have the gradient of the bound's estimator."""
        q = self.vae.posterior(x.data, *x.label)
        if self.gradient == "standard" and x.path_scale is None:
            return q
        return GradientEstimator(q, self.gradient == "standard", x.path_scale)

    def prior(self, x: Inputs) -> Distribution:
        """Return p(z)."""
        return self.vae.prior_distribution(x.data, *x.label)

    def log_likelihood(self, x: Inputs, latent_state: Tensor) -> Tensor:
        """Compute log p(x | z) in nats, ``(B,)`` or ``(k, B)``."""
        return self.vae.likelihood(latent_state, *x.label).log_prob(x.data)

    def sample_mean(self, terms: Structure) -> Structure:
        """Average over the sample axis, where there is one: ``(k, B)`` or ``(B,)`` to ``(B,)``, each of a tuple."""
        if self.samples == 1:
            return terms
        return map_structure(
            lambda x: namespace(x).mean(namespace(x).reshape(x, shape=(-1, 0), reverse=True), 0), terms
        )

    def weights_for(self, like: Tensor) -> Weights:
        """Return the weights as a named tuple of tensors ``(1,)`` for a computation with ``like``."""
        return self._weights_type(*(self._reg_params[name].data(like.context) for name in self._weights_type._fields))

    def collect_params(self, select: Optional[str] = None) -> Mapping[str, Parameter]:
        self._initialize_own()
        return super().collect_params(select)

    def state(self) -> dict[str, Any]:
        """Return what the bound counts beside its parameters, as plain values: here there is nothing."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set what :meth:`state` returned."""

    def _initialize_own(self) -> None:
        """Initialise weights and networks of the bound as soon as the model is, where the model is."""
        vae: Optional[VAE] = self._children.get("vae")
        if vae is None:
            return
        first = vae._first_parameter
        if first._data is None and not first._deferred_init:
            return
        prepare(self, first.list_ctx(), vae.dtype)
        for parameter in self._reg_params.values():
            if parameter._data is None:
                parameter.initialize(None, first.list_ctx(), XavierOrUniform())
        for child in self._children.values():
            if child is not vae and any(p._data is None for p in child.collect_params().values()):
                child.initialize(XavierOrUniform(), first.list_ctx())

    @cached_property
    def _sampler(self) -> SampledTerms:
        return SampledTerms(self)

    def _clear_cached_op(self) -> None:
        super()._clear_cached_op()
        self.__dict__.pop("_sampler", None)
