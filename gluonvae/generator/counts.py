"""Counts: Poisson and negative binomial likelihoods, with and without more zeros."""

from __future__ import annotations

from ..distributions import NegativeBinomial, Poisson, ZeroInflatedNegativeBinomial, ZeroInflatedPoisson
from .base import LIKELIHOODS
from .count_families import CountFamily, DispersedFamily, ZeroInflatedFamily
from .network import FamilyGenerator
from .support import COUNTS


class CountGenerator(FamilyGenerator):
    """Base class of the likelihoods of counts. An inference network sees log(1 + count)."""

    support = COUNTS
    data_transform = "log1p"


class PoissonFamily(CountFamily):
    """Independent Poisson counts, with their rates ``(..., X)`` as the parameters.

    See :class:`CountFamily` for the options.
    """

    distribution_type = Poisson
    mean_head = "log_rate"


@LIKELIHOODS.register("poisson")
class PoissonGenerator(CountGenerator):
    """A likelihood of Poisson counts; returns their rates ``(..., X)``. An inference network sees log(1 + count).

    See :class:`FamilyGenerator`, and :class:`CountFamily` for the options.
    """

    family_type = PoissonFamily
    title = "a Poisson likelihood"


class NegativeBinomialFamily(DispersedFamily):
    """Independent negative binomial counts, with ``(mean, dispersion)``, ``(..., X)`` each, as the parameters.

    See :class:`DispersedFamily` for the options.
    """

    distribution_type = NegativeBinomial


@LIKELIHOODS.register("negative_binomial")
class NegativeBinomialGenerator(CountGenerator):
    """A likelihood of counts more spread than Poisson's, as scVI has it for genes (Lopez et al. 2018).

    Returns means and inverse dispersions, ``(..., X)`` each. An inference network sees log(1 + count). See
    :class:`FamilyGenerator`, and :class:`DispersedFamily` for the options.
    """

    family_type = NegativeBinomialFamily
    title = "a negative binomial likelihood"


class ZeroInflatedPoissonFamily(ZeroInflatedFamily):
    """Independent counts that are 0 or Poisson, with ``(rate, gate_logits)``, ``(..., X)`` each, as the parameters.

    See :class:`CountFamily` for the options.
    """

    distribution_type = ZeroInflatedPoisson
    mean_head = "log_rate"


@LIKELIHOODS.register("zero_inflated_poisson")
class ZeroInflatedPoissonGenerator(CountGenerator):
    """A likelihood of counts with more zeros than Poisson's (Lambert 1992).

    Returns the Poisson distribution's rates, and the logits of the probability that a count is 0 whatever its rate,
    ``(..., X)`` each. An inference network sees log(1 + count). See :class:`FamilyGenerator`, and
    :class:`CountFamily` for the options.
    """

    family_type = ZeroInflatedPoissonFamily
    title = "a zero-inflated Poisson likelihood"


class ZeroInflatedNegativeBinomialFamily(ZeroInflatedFamily, DispersedFamily):
    """Independent counts that are 0 or negative binomial.

    The parameters are ``(mean, dispersion, gate_logits)``, ``(..., X)`` each. See
    :class:`DispersedFamily` for the options.
    """

    distribution_type = ZeroInflatedNegativeBinomial


@LIKELIHOODS.register("zero_inflated_negative_binomial")
class ZeroInflatedNegativeBinomialGenerator(CountGenerator):
    """A likelihood of counts more spread than Poisson's, with more zeros: scVI's of genes (Lopez et al. 2018).

    Returns the negative binomial distribution's means and inverse dispersions, and the logits of the probability that
    a count is 0 whatever these are, ``(..., X)`` each. An inference network sees log(1 + count). See
    :class:`FamilyGenerator`, and :class:`DispersedFamily` for the options.
    """

    family_type = ZeroInflatedNegativeBinomialFamily
    title = "a zero-inflated negative binomial likelihood"
