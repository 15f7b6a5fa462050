"""What a trained model is worth, and what its latent code does."""

from . import coding
from .diagnostics import Perplexity, kl_by_dimension, perplexity
from .estimates import Estimate, accuracy, evaluate, kl_by_layer
from .imputation import impute
from .likelihood import MarginalLikelihood, log_marginal_likelihood

__all__ = [
    "Estimate",
    "MarginalLikelihood",
    "Perplexity",
    "accuracy",
    "evaluate",
    "impute",
    "kl_by_dimension",
    "kl_by_layer",
    "log_marginal_likelihood",
    "perplexity",
]
