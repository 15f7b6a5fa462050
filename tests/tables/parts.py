"""All kinds of each part of a model, from their tables, and which of them go together."""

from itertools import groupby

import numpy as np

from tests.helpers import small_vae
from tests.helpers.likelihoods import make
from tests.tables import bounds, codes, hierarchies, likelihoods, posteriors, priors

SHAPE, CLASSES = (6, 3), 3

LIKELIHOODS = {**likelihoods.ROWS, **likelihoods.LIBRARIES}
LAYERED = ("hierarchical", "ladder")
# name: (latent_type, its options)
POSTERIORS = {
    **posteriors.POSTERIORS,
    **codes.POSTERIORS,
    **{name: (name, hierarchies.OPTIONS["latent_options"]) for name in LAYERED},
    # trained by gradient: averages move at each call, and so differ between two calls in two modes
    "vector_quantized": ("vector_quantized", {"code_size": 2, "codes": 5, "codebook": "gradient"}),
}
# name: its options
PRIORS = {
    **{name: options for name, (options, *_) in priors.PRIORS.items()},
    "conditional": {"layer_sizes": [5]},
    "hierarchical": hierarchies.OPTIONS["prior_options"],
    "codes": {"learned": True},
    "codebook": {},
}
ALL_BOUNDS = {**bounds.BOUNDS, **bounds.OF_ONE_MODEL}
# name: makes the bound of a model; the first and the last row of each kind
BOUNDS = {
    rows[place]: ALL_BOUNDS[rows[place]]
    for rows in (list(group) for _, group in groupby(ALL_BOUNDS, lambda name: name.split(",")[0]))
    for place in (0, -1)
}
# name: (generator_body, infer_body, options of the latter)
BODIES = {
    "mlp": ("mlp", "mlp", {}),
    "gated_mlp": ("gated_mlp", "gated_mlp", {}),
    "conv": ("conv", "conv", {}),
    "residual": ("residual", "residual", {}),
    "cifar_resnet": ("mlp", "cifar_resnet", {"depth": 8}),
}
# name: further arguments of construct_vae
LABELS = {
    "without labels": {},
    "conditional": {"label_size": CLASSES},
    "semi-supervised": {"label_size": CLASSES, "classifier_layer_sizes": [5]},
}
VALUES = ("all values", "missing values")
"""Whether values may be missing."""

EXACT_CODES = ("bernoulli", "categorical")


def takes_missing(likelihood):
    """Whether values may be missing under a likelihood: a row of its table."""
    return make(likelihood).family.takes_missing


TAKE_MISSING = {name for name, row in LIKELIHOODS.items() if takes_missing(row)}


def prior_fits(posterior, prior):
    """Whether a model can have both."""
    for kinds, only in ((codes.POSTERIORS, "codes"), (["vector_quantized"], "codebook")):
        if posterior in kinds or prior == only:
            return posterior in kinds and prior == only
    return posterior != "ladder" or prior == "hierarchical"


def likelihood_fits(likelihood, posterior):
    """Whether a model can have both: a latent library size is a real number."""
    has_codes = posterior in codes.POSTERIORS or posterior == "vector_quantized"
    return not (has_codes and LIKELIHOODS[likelihood].options.get("library") == "latent")


def bound_fits(bound, posterior, prior):
    """Whether the bound trains a model of the two without labels."""
    if "vector_quantized" in posterior or bound == "VQELBO":
        return posterior == "vector_quantized" and bound == "VQELBO"
    fits = getattr(BOUNDS[bound], "fits", lambda *_: True)
    return fits(posterior, prior) and (bound.startswith(("NVIL", "VIMCO")) or posterior not in EXACT_CODES)


def values_fit(values, likelihood, bound):
    """Whether a model of the likelihood may have values missing, and the bound trains it."""
    if values == "missing values":
        return likelihood in TAKE_MISSING
    return bound != "ObservedIWAE"


def labels_fit(labels, posterior, prior, bound):
    """Whether a model has them, and the bound trains it."""
    if labels != "semi-supervised":
        return bound != "SemiSupervisedELBO" and (labels == "conditional" or prior != "conditional")
    # the label is summed out, and the KL is that of the label too
    differentiable = posterior != "vector_quantized" and posterior not in EXACT_CODES
    return differentiable and bound in ("ELBO", "CapacityELBO", "SemiSupervisedELBO")


def model(
    likelihood="bernoulli_prod",
    posterior="gaussian",
    prior="standard",
    body="mlp",
    labels="without labels",
    values="all values",
):
    """A small model of these rows."""
    row, (latent_type, latent_options) = LIKELIHOODS[likelihood], POSTERIORS[posterior]
    generator_body, infer_body, infer_options = BODIES[body]
    layered = posterior in LAYERED or prior == "hierarchical"
    hidden = (
        {"generator_layer_sizes": [5, 6], "infer_layer_sizes": [6, 5]}
        if "mlp" in infer_body
        else {"generator_layer_sizes": [4], "infer_layer_sizes": None if infer_body == "cifar_resnet" else [3]}
    )
    vae = small_vae(
        likelihood=row.name,
        likelihood_options={**row.options, **({"missing": True} if values == "missing values" else {})},
        latent_type=latent_type,
        latent_options=latent_options,
        prior=prior,
        prior_options=PRIORS[prior],
        latent_variable_size=[4, 2] if layered else 6,
        data_shape=SHAPE,
        data_dims=SHAPE[0] * SHAPE[1],
        generator_body=generator_body,
        infer_body=infer_body,
        infer_body_options=infer_options,
        **hidden,
        **LABELS[labels],
    )
    if "library" in row.options:
        vae.generator.family.adapt([np.random.default_rng(0).poisson(3, (50, vae.data_dims))])
    elif row.adapted:
        vae.adapt(likelihoods.training_data(vae.data_dims))
    return vae


# posterior: a prior that goes with it
FIRST_FITTING = {posterior: next(prior for prior in PRIORS if prior_fits(posterior, prior)) for posterior in POSTERIORS}
# name: arguments of model, so that each kind of each part is in one of them
MODELS = {
    **{f"{name}, likelihood": {"likelihood": name} for name in LIKELIHOODS},
    **{f"{q}, posterior": {"posterior": q, "prior": p} for q, p in FIRST_FITTING.items()},
    **{f"{name}, prior": {"prior": name} for name in priors.PRIORS},
    **{f"{name}, body": {"body": name} for name in BODIES},
    **{f"{name}, labels": {"labels": name, "likelihood": "poisson"} for name in LABELS},
    **{f"missing values, {name}": {"values": "missing values", "body": name} for name in ("mlp", "conv")},
}
