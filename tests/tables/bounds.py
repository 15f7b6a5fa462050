"""The table of bounds: a row each, over any model."""

import gluonvae as gv
from gluonvae.objectives.estimators import GRADIENTS

SAMPLES = 6


def limited(make, fits):
    """A row of a bound that goes with some posteriors and priors alone: ``fits(posterior, prior)``, of their rows."""
    make.fits = fits
    return make


def independent(posterior, prior):
    """Whether latent variables are independent, Gaussian or binary, in both."""
    gaussian = posterior.startswith("gaussian") and prior in ("standard", "diagonal", "conditional")
    return gaussian or posterior == "relaxed_bernoulli, straight through"


def independent_or_layers(posterior, prior):
    return independent(posterior, prior) or (posterior in ("hierarchical", "ladder") and prior == "hierarchical")


def has_density_of_each(posterior, prior):
    # a row of one's own may say that it is independent
    own = "independent" in posterior and prior in ("standard", "diagonal", "conditional")
    return own or independent(posterior, prior) or posterior == "relaxed_bernoulli"


# a row: makes the bound of a model, with keyword arguments for the estimator of its gradient
IMPORTANCE_WEIGHTED = {
    "IWAE": lambda vae, **options: gv.IWAE(vae, samples=SAMPLES, **options),
    "Renyi, 0.5": lambda vae, **options: gv.Renyi(vae, alpha=0.5, samples=SAMPLES, **options),
    "Renyi, -1": lambda vae, **options: gv.Renyi(vae, alpha=-1, samples=SAMPLES, **options),
    "Renyi, 1": lambda vae, **options: gv.Renyi(vae, alpha=1, samples=SAMPLES, **options),
    "MIWAE": lambda vae, **options: gv.MIWAE(vae, samples=SAMPLES, groups=2, **options),
    "PIWAE": lambda vae, **options: gv.PIWAE(vae, samples=SAMPLES, groups=2, **options),
    "CIWAE": lambda vae, **options: gv.CIWAE(vae, beta=0.3, samples=SAMPLES, **options),
}

# a row: makes the bound of a model of continuous latent states
BOUNDS = {
    "ELBO": lambda vae: gv.ELBO(vae, samples=SAMPLES),
    "ELBO, beta": lambda vae: gv.ELBO(vae, beta=0.3, samples=SAMPLES),
    "ELBO, sampled": lambda vae: gv.ELBO(vae, samples=SAMPLES, kl="sampled"),
    "ELBO, stl": lambda vae: gv.ELBO(vae, samples=SAMPLES, gradient="stl"),
    "CapacityELBO": lambda vae: gv.CapacityELBO(vae, gamma=2, capacity=3, samples=SAMPLES),
    "CapacityELBO, stl": lambda vae: gv.CapacityELBO(vae, gamma=2, capacity=3, gradient="stl"),
    "FreeBitsELBO": limited(lambda vae: gv.FreeBitsELBO(vae, free_bits=0.1, samples=SAMPLES), independent_or_layers),
    "FreeBitsELBO, beta": limited(lambda vae: gv.FreeBitsELBO(vae, free_bits=0.1, beta=0.3), independent_or_layers),
    "FreeBitsELBO, 2 groups": limited(lambda vae: gv.FreeBitsELBO(vae, free_bits=0.1, groups=2), independent_or_layers),
    "FreeBitsELBO, 1 group": lambda vae: gv.FreeBitsELBO(vae, free_bits=0.1, groups=1, samples=SAMPLES),
    "FreeBitsELBO, 1 group, stl": lambda vae: gv.FreeBitsELBO(vae, groups=1, samples=SAMPLES, gradient="stl"),
    "BetaTC": limited(lambda vae: gv.BetaTC(vae, dataset_size=1000, alpha=2), has_density_of_each),
    "BetaTC, samples": limited(lambda vae: gv.BetaTC(vae, dataset_size=1000, samples=SAMPLES), has_density_of_each),
    "NVIL": lambda vae: gv.NVIL(vae, samples=SAMPLES),
    "NVIL, beta": lambda vae: gv.NVIL(vae, beta=0.3),
    "VIMCO": lambda vae: gv.VIMCO(vae, samples=SAMPLES),
    "InfoVAE": lambda vae: gv.InfoVAE(vae, alpha=0.5, lambda_=10),
    "InfoVAE, samples": lambda vae: gv.InfoVAE(vae, lambda_=10, samples=SAMPLES),
    **{
        f"{name}, {gradient}": lambda vae, make=make, gradient=gradient: make(vae, gradient=gradient)
        for name, make in IMPORTANCE_WEIGHTED.items()
        for gradient in GRADIENTS
    },
}

# a row: makes the bound of a model of its own kind
OF_ONE_MODEL = {
    "VQELBO": lambda vae: gv.VQELBO(vae),
    "ObservedIWAE": lambda vae: gv.ObservedIWAE(vae, samples=SAMPLES),
    "SemiSupervisedELBO": lambda vae: gv.SemiSupervisedELBO(vae, alpha=2, beta=0.3),
}
