"""A variational autoencoder as an estimator of scikit-learn. The only module that imports scikit-learn."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, DensityMixin, TransformerMixin
    from sklearn.utils import ClassifierTags, Tags, check_array, check_random_state
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
except ImportError as error:
    raise ImportError(
        "gluonvae.sklearn needs scikit-learn 1.6 or later: pip install 'gluonvae[sklearn]'", name="sklearn"
    ) from error

from . import checks
from .backend.operators import as_numpy
from .backend.pieces import rows_that_fit
from .batches import batches, dataset_for
from .data import Dataset
from .evaluation.coding import labelled
from .evaluation.estimates import in_predict_mode
from .generator import LIKELIHOODS
from .labels import MISSING, Labels, as_labels, class_names, has_classes, label_size
from .models import VAE, construct_vae
from .networks import Activation
from .noise import seeded
from .objectives import Objective
from .objectives.construct import construct_bound
from .schedules import Schedule
from .training import FusedAdam, History, fit

Options = Optional[Mapping[str, Any]]

TABLE_OPTIONS = {
    "gaussian": {"std": "per_feature", "standardize": True},
    "laplace": {"scale": "per_feature", "standardize": True},
}
"""Options that likelihoods of real values have here, where they are not given: columns may have units of their own."""

BATCH_SIZE = 500
"""How many rows are classified at once."""


def _has_classifier(estimator: VAEEstimator) -> bool:
    if estimator.classifier_layer_sizes is None:
        raise AttributeError("only a semi-supervised VAE predicts classes: pass classifier_layer_sizes, such as (50,)")
    return True


class VAEEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, DensityMixin, BaseEstimator):
    """A variational autoencoder as a transformer, a density and, where it is semi-supervised, a classifier.

    ``X`` is an array ``(N, X)``, a table of pandas or a sparse matrix of SciPy; NaN stands for a missing value where
    the likelihood takes them, ``likelihood_options={"missing": True}``. The arguments up to ``data_shape`` are those of
    :func:`gluonvae.construct_vae`, see there, with the defaults that small tables want.

    Parameters
    ----------
    likelihood : str
        One of :data:`gluonvae.generator.LIKELIHOODS`.
    latent_type : str
        The posterior, one of :data:`gluonvae.inference.POSTERIORS`.
    latent_variable_size : int or sequence of int
        D, the number of features that :meth:`transform` makes.
    generator_layer_sizes, infer_layer_sizes : sequence of int, optional
        Hidden layers of the generator and of the inference network.
    generator_act_type, infer_act_type : str or callable
        Their activations.
    prior : str
        One of :data:`gluonvae.prior.PRIORS`.
    likelihood_options : mapping, optional
        Further arguments of the likelihood's class. The Gaussian and the Laplace likelihood have
        ``standardize=True`` and a scale for each feature unless this says otherwise.
    latent_options, prior_options : mapping, optional
        Further arguments of the classes of posterior and prior.
    conditional : bool
        Whether the model is a :class:`gluonvae.ConditionalVAE` of the labels ``y``, which all methods then take.
    classifier_layer_sizes : sequence of int, optional
        Hidden layers of the classifier of a :class:`gluonvae.SemiSupervisedVAE`; ``()`` is a linear one. Then ``y`` has
        the classes that are known, and -1 or NaN where they are not.
    generator_body, infer_body : str
        Kinds of networks, such as ``"conv"`` for images.
    generator_body_options, infer_body_options : mapping, optional
        Further arguments of their classes.
    data_shape : sequence of int, optional
        Shape of the image that a row is.
    bound : str, optional
        One of :data:`gluonvae.objectives.BOUNDS`; by default ``"elbo"``, and ``"semi_supervised"`` where there is a
        classifier.
    bound_options : mapping, optional
        Further arguments of its class, such as ``{"beta": 4}``.
    epochs : int
        See :func:`gluonvae.fit`.
    batch_size : int
        Rows of a batch; all rows, where there are fewer.
    optimizer : str
        See :func:`gluonvae.fit`.
    learning_rate : float or callable
        See :func:`gluonvae.fit`.
    likelihood_samples : int
        How many latent states :meth:`score_samples` draws for each row.
    warm_start : bool
        Whether ``fit`` goes on with the model of the call before, in place of a new one.
    random_state : int, RandomState or None
        What ``fit`` draws from. A number makes it repeatable; it leaves what :func:`gluonvae.seed` seeds alone.
    verbose : bool
        Whether ``fit`` shows a progress bar.

    Attributes
    ----------
    vae_ : VAE
        The model, for all else that the library does with one.
    bound_ : Objective
        The bound that was maximised.
    history_ : History
        What :func:`gluonvae.fit` returned.
    classes_ : numpy.ndarray
        ``(Y,)``, of labels that are classes.
    n_features_in_ : int
        X.
    feature_names_in_ : numpy.ndarray
        Names of the columns, where ``X`` is a table that has them.

    Examples
    --------
    >>> codes = make_pipeline(MinMaxScaler(), VAEEstimator(latent_variable_size=2)).fit_transform(X)
    """

    vae_: VAE
    bound_: Objective
    history_: History

    def __init__(
        self,
        likelihood: str = "gaussian",
        latent_type: str = "gaussian",
        latent_variable_size: Union[int, Sequence[int]] = 2,
        generator_layer_sizes: Optional[Sequence[int]] = (50,),
        infer_layer_sizes: Optional[Sequence[int]] = (50,),
        generator_act_type: Activation = "tanh",
        infer_act_type: Activation = "tanh",
        prior: str = "standard",
        likelihood_options: Options = None,
        latent_options: Options = None,
        prior_options: Options = None,
        conditional: bool = False,
        classifier_layer_sizes: Optional[Sequence[int]] = None,
        generator_body: str = "mlp",
        infer_body: str = "mlp",
        generator_body_options: Options = None,
        infer_body_options: Options = None,
        data_shape: Optional[Sequence[int]] = None,
        *,
        bound: Optional[str] = None,
        bound_options: Options = None,
        epochs: int = 100,
        batch_size: int = 32,
        optimizer: str = FusedAdam.name,
        learning_rate: Union[float, Schedule] = 3e-3,
        likelihood_samples: int = 1000,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.likelihood = likelihood
        self.latent_type = latent_type
        self.latent_variable_size = latent_variable_size
        self.generator_layer_sizes = generator_layer_sizes
        self.infer_layer_sizes = infer_layer_sizes
        self.generator_act_type = generator_act_type
        self.infer_act_type = infer_act_type
        self.prior = prior
        self.likelihood_options = likelihood_options
        self.latent_options = latent_options
        self.prior_options = prior_options
        self.conditional = conditional
        self.classifier_layer_sizes = classifier_layer_sizes
        self.generator_body = generator_body
        self.infer_body = infer_body
        self.generator_body_options = generator_body_options
        self.infer_body_options = infer_body_options
        self.data_shape = data_shape
        self.bound = bound
        self.bound_options = bound_options
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.likelihood_samples = likelihood_samples
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> VAEEstimator:
        """Train the model.

        Parameters
        ----------
        X : array, table or sparse matrix
            ``(N, X)``.
        y : array, optional
            Labels ``(N,)`` or ``(N, C)`` of a model that takes them; else not looked at.

        Returns
        -------
        VAEEstimator
            This one.

        Raises
        ------
        ValueError, TypeError
            As :func:`gluonvae.construct_vae` and :func:`gluonvae.fit` do.
        KeyboardInterrupt
            After Ctrl-C, with what was learnt until then.
        """
        if self.conditional and self.classifier_layer_sizes is not None:
            raise ValueError("conditional=True and classifier_layer_sizes are of different models: give one of them")
        if self._takes_labels and y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None: "
                f"{'conditional' if self.conditional else 'classifier_layer_sizes'} is of a model of data with labels"
            )
        data = self._dataset(X, y, reset=True)
        goes_on = checks.boolean("warm_start", self.warm_start) and hasattr(self, "bound_")
        with seeded(check_random_state(self.random_state).randint(2**31 - 1)):
            bound = self.bound_ if goes_on else self._new_bound(data)
            history = fit(
                bound,
                dataset_for(bound.vae, data, "X"),
                epochs=self.epochs,
                batch_size=min(checks.positive_int("batch_size", self.batch_size), len(data)),
                optimizer=self.optimizer,
                learning_rate=self.learning_rate,
                progress=bool(self.verbose),
            )
        self.vae_, self.bound_, self.history_ = bound.vae, bound, history
        if self._takes_labels and has_classes(data.labels):
            names = getattr(bound.vae, "class_names", None)
            self.classes_ = np.arange(bound.vae.label_size) if names is None else np.asarray(names)
        if history.interrupted:
            raise KeyboardInterrupt("the training was interrupted; what was learnt is kept")
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Train the model and return what :meth:`transform` does."""
        return self.fit(X, y).transform(X, y if self.conditional else None)

    def transform(self, X: Any, y: Any = None) -> Any:
        """Compute the means of q(z | x), see :func:`gluonvae.evaluation.coding.encode`.

        Parameters
        ----------
        X : array, table or sparse matrix
            ``(N, X)``.
        y : array, optional
            The labels, of a conditional model; a semi-supervised one needs none, and takes the mean over the classes.

        Returns
        -------
        array or table
            ``(N, D)``, float32; what ``set_output`` asks for.
        """
        return self._fitted.encode(self._dataset(X, y))

    def inverse_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Compute the means of p(x | z), see :func:`gluonvae.evaluation.coding.decode`.

        Parameters
        ----------
        X : array or table
            Latent states, ``(N, D)``.
        y : array, optional
            The labels, in a model that takes them, also a semi-supervised one.

        Returns
        -------
        numpy.ndarray
            ``(N, X)``, float32.
        """
        return self._fitted.decode(check_array(X), label=y if self._takes_labels else None)

    def score_samples(self, X: Any, y: Any = None) -> np.ndarray:
        """Estimate log p(x) of each row by importance sampling, see :func:`gluonvae.evaluation.likelihood.log_prob`.

        Parameters
        ----------
        X : array, table or sparse matrix
            ``(N, X)``.
        y : array, optional
            The labels, of a conditional model, whose log p(x | y) it is.

        Returns
        -------
        numpy.ndarray
            ``(N,)``, in nats: low values are unlike the data that the model was trained on. The noise of the estimate
            is that of the row's number.
        """
        return self._fitted.log_prob(self._dataset(X, y if self.conditional else None), self.likelihood_samples)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean of :meth:`score_samples`, in nats; of a classifier, with ``y``, its accuracy.

        The accuracy is the share of the rows whose class is known that :meth:`predict` finds. Higher is better.
        """
        if self.classifier_layer_sizes is None or y is None:
            return float(self.score_samples(X, y).mean())
        found = self.predict(X)
        labels = as_labels(y, len(found), "rows")
        known = labels.values != MISSING
        if not known.any():
            raise ValueError("y has no label that is known, of which an accuracy could be computed: all are -1")
        truth = labels.values if labels.names is None else np.asarray(labels.names)[labels.values]
        return float((found == truth)[known].mean())

    def sample(self, n_samples: int = 1, y: Any = None, random_state: Any = None) -> np.ndarray:
        """Draw from the model.

        Parameters
        ----------
        n_samples : int
            N.
        y : label or array, optional
            Of a conditional model the label of all draws, or of each; of a semi-supervised one it is drawn, where left
            out.
        random_state : int, RandomState or None
            What to draw from.

        Returns
        -------
        numpy.ndarray
            ``(N, X)``, float32.
        """
        vae, label = self._fitted, {"label": y} if self._takes_labels else {}
        with seeded(check_random_state(random_state).randint(2**31 - 1)):
            return as_numpy(vae.phantasize(n_samples, **label))

    @available_if(_has_classifier)
    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row, ``(N,)``, of a semi-supervised model."""
        probable = self.predict_proba(X).argmax(axis=1)
        return self.classes_[probable]

    @available_if(_has_classifier)
    @in_predict_mode
    def predict_proba(self, X: Any) -> np.ndarray:
        """Compute q(y | x), ``(N, Y)``, of a semi-supervised model, in the order of ``classes_``."""
        vae: Any = self._fitted
        data = dataset_for(vae, labelled(vae, self._dataset(X), None))
        rows = min(BATCH_SIZE, rows_that_fit(vae.floats_per_row))
        return np.concatenate([as_numpy(vae.classify(batch.data)) for batch in batches(vae, data, rows)])

    @property
    def _takes_labels(self) -> bool:
        return checks.boolean("conditional", self.conditional) or self.classifier_layer_sizes is not None

    @property
    def _fitted(self) -> VAE:
        check_is_fitted(self)
        return self.vae_

    @property
    def _n_features_out(self) -> int:
        return self.vae_.latent_variable_size

    @property
    def _likelihood_options(self) -> dict[str, Any]:
        return {**TABLE_OPTIONS.get(LIKELIHOODS.canonical(self.likelihood), {}), **(self.likelihood_options or {})}

    def _dataset(self, X: Any, y: Any = None, reset: bool = False) -> Dataset:
        """The rows, checked, with labels in a model that takes them."""
        wanted = {"accept_sparse": "csr", "ensure_all_finite": "allow-nan" if self._takes_missing else True}
        values = validate_data(self, X, reset=reset, **wanted)
        if self.conditional and y is None:
            raise ValueError(f"y is missing: a conditional {type(self).__name__} takes X and its labels y")
        if self.classifier_layer_sizes is not None and getattr(y, "shape", ())[1:] == (1,):
            y = column_or_1d(y, warn=True)
        return Dataset(values, binarization="none", labels=y if self._takes_labels else None, things="rows", name="X")

    @property
    def _takes_missing(self) -> bool:
        return bool((self.likelihood_options or {}).get("missing", False))

    def _new_bound(self, data: Dataset) -> Objective:
        """A bound over a new model for the training data."""
        of_model: dict[str, Any] = {
            name: getattr(self, name, None) for name in inspect.signature(construct_vae).parameters
        }
        of_model.update(data_dims=data.width, likelihood_options=self._likelihood_options, label_size=0)
        if data.named_labels is not None:
            of_model["label_size"] = self._label_size(data.named_labels)
        vae = construct_vae(**of_model)
        vae.initialize()
        name = self.bound or ("elbo" if self.classifier_layer_sizes is None else "semi_supervised")
        bound = construct_bound(name, vae, len(data), self.bound_options)
        bound.hybridize(static_alloc=True, static_shape=True)
        return bound

    def _label_size(self, labels: Labels) -> int:
        """Y of a model of data with these labels."""
        is_classes = labels.values.ndim == 1 and has_classes(labels.values)
        size = label_size(labels.values, class_names([labels]) if is_classes else None)
        if self.classifier_layer_sizes is not None and not is_classes:
            shape, dtype = labels.values.shape, labels.values.dtype
            raise ValueError(f"Unknown label type: y must be classes (N,), -1 where not known, got {dtype} {shape}")
        if self.classifier_layer_sizes is not None and len(np.unique(labels.values[labels.values != MISSING])) < 2:
            raise ValueError("y has one class: a semi-supervised model needs two classes at least")
        return size

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self._takes_missing
        tags.target_tags.required = self._takes_labels
        tags.transformer_tags.preserves_dtype = ["float32"]
        if self.classifier_layer_sizes is not None:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags
