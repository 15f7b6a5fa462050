"""A trained model brought back, from the folder of a run or from a file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Optional, Union

from .. import checks
from .. import data as datasets
from ..backend.runtime import check_device, mx
from ..backend.types import Context
from ..data import Dataset, Splits, Stream
from ..files import parse_json
from ..models import VAE
from ..objectives import Objective
from . import checkpoint as checkpoints
from .config import Config, RunError, check_same_data
from .fit import fit
from .loop import History
from .model_file import load_model
from .overview import standing
from .preparing import prepare
from .remaking import make_bound
from .run import BEST, CHECKPOINTS, METRICS, PARAMETERS, RESULT, load_run
from .serialization import PARAMETERS as OF_PARAMETERS

CHECKPOINT_FILES = {"last": PARAMETERS, "best": BEST}
"""Whose parameters a run may be loaded with."""


class LoadedRun:
    """A training that was written to a folder: its model and what is known of it. :func:`gluonvae.load` makes one.

    Attributes
    ----------
    vae : VAE
        The model, imperative.
    folder : Path
        The folder.
    config : dict
        What its config.json holds, see the guide on the command.
    """

    def __init__(
        self,
        folder: Path,
        vae: VAE,
        config: Config,
        make_own_bound: Optional[Callable[[VAE], Objective]] = None,
        data: Union[str, Path, None] = None,
    ) -> None:
        self.folder, self.vae, self.config = folder, vae, config
        self._make_own_bound, self._data = make_own_bound, data

    @cached_property
    def bound(self) -> Objective:
        """The bound that was maximised, over ``vae``; its weights and networks are as in the last checkpoint.

        Raises
        ------
        RunError
            If it is of the user's own, with what to pass.
        """
        bound = make_bound(self.folder, self.config["bound"], self.vae, self._make_own_bound)
        last = self._last
        if last is not None:
            own = {name: of for name, of in _parameters(bound).items() if not name.startswith("vae.")}
            for name, parameter in own.items():
                values = last.arrays.get(f"{OF_PARAMETERS}{name}")
                if values is not None:
                    parameter.set_data(mx.nd.array(values, dtype=values.dtype))
            bound.restore(last.state["bound"])
        return bound

    @cached_property
    def data(self) -> Splits:
        """The training, validation and test data, prepared as they were for the training.

        Raises
        ------
        RunError
            If the run does not tell where they lie, as where it was trained on arrays; with what to supply.
        DataError
            If they are not there, or have changed.
        """
        source, asked = self.config["data"], self.config["asked"]
        if source["name"] is None and self._data is None:
            raise RunError(f"{self.folder} was trained on {_in_words(self.config)} from Python: pass them again")
        splits = datasets.load(**{**source, "name": str(self._data or source["name"])})
        check_same_data(self.config, splits)
        if asked.get("labels") is not None:
            splits = splits._replace(train=datasets.keep_few_labels(splits.train, asked["labels"], seed=asked["seed"]))
        return splits

    @cached_property
    def history(self) -> History:
        """The metrics of each epoch."""
        history = History()
        history.rows = [parse_json(line) for line in _lines(self.folder / METRICS)]
        history.interrupted = self.status == "interrupted"
        return history

    @property
    def status(self) -> str:
        """How the run ended: "finished", "interrupted" (also where its process was killed), "diverged", "failed", or
        "running"."""
        return standing(self.folder).status

    @cached_property
    def result(self) -> Optional[dict[str, float]]:
        """The estimates on the test set that ``gluonvae train`` wrote; None where there are none."""
        return parse_json("".join(_lines(self.folder / RESULT)) or "null")

    @property
    def class_names(self) -> Optional[tuple[Any, ...]]:
        """What the classes 0, 1, ... are called in the data; None where they are called by their numbers."""
        names = self.config["class_names"]
        return None if names is None else tuple(names)

    def prepare(self, data: Any, labels: Any = None) -> Union[Dataset, Stream]:
        """Return other data prepared as those of the training, see :func:`gluonvae.training.preparing.prepare`.

        >>> run.vae.encode(run.prepare("new.csv"))
        """
        return prepare(self.config, data, labels)

    def resume(self, train: Any = None, valid: Any = None, *, epochs: int, **options: Any) -> History:
        """Go on with the training from its last checkpoint, in its folder.

        Parameters
        ----------
        train, valid : optional
            The data that it was trained on, where ``data`` does not have them.
        epochs : int
            How many epochs there are to be in all, those before among them.
        **options
            Further arguments of :func:`gluonvae.fit`. By default batch size and optimizer are what they were, and the
            learning rate is that of the last epoch.

        Returns
        -------
        History
            Of all epochs. ``vae`` has what it has learnt.

        Raises
        ------
        RunError, CheckpointError, DataError
            As :func:`gluonvae.fit` does, and as ``data`` and ``bound`` do.
        """
        if train is None:
            train, valid = self.data.train, self.data.valid
        options = {**self._options(), **options}
        self.__dict__.pop("history", None)
        return fit(self.bound, train, valid, epochs=epochs, resume=self.folder, **options)

    def _options(self) -> dict[str, Any]:
        """The arguments of fit with which the training stands where it does."""
        made_with: Mapping[str, Any] = {} if self._last is None else self._last.state["made_with"]
        options = (
            {}
            if not made_with
            else {"batch_size": made_with["batch size"], "optimizer": made_with["optimizer"].lower()}
        )
        return {**options, "learning_rate": self.history["learning_rate"][-1]} if len(self.history) else options

    @property
    def _last(self) -> Optional[checkpoints.Checkpoint]:
        return checkpoints.last(self.folder / CHECKPOINTS)

    def __repr__(self) -> str:
        model = f"{type(self.vae).__name__} of {self.vae.data_dims} values and {self.vae.latent_variable_size} latent"
        return f"LoadedRun({str(self.folder)!r}: {model} variables, {self.status}, {len(self.history)} epochs)"


def load(
    path: Union[str, Path],
    *,
    checkpoint: str = "last",
    ctx: Optional[Context] = None,
    vae: Optional[VAE] = None,
    bound: Optional[Callable[[VAE], Objective]] = None,
    data: Union[str, Path, None] = None,
) -> Any:
    """Load a run from its folder, or a model from a file that ``vae.save`` wrote.

    Parameters
    ----------
    path : str or Path
        The folder of a run, of ``gluonvae train`` or of :func:`gluonvae.fit`, or the file.
    checkpoint : {"last", "best"}
        Of a run, with the parameters of its last checkpoint, or of the epoch with the highest bound on the validation
        data.
    ctx : Context, optional
        The device of the parameters, whatever it was before; by default the current one.
    vae : VAE, optional
        The model that the parameters are loaded into: made as in the training, where it has blocks or functions of
        your own, of which the message tells.
    bound : callable, optional
        Of a run, what makes its bound of the model, where that is your own: its class, say.
    data : str or Path, optional
        Of a run, where its data lie now, if they have moved.

    Returns
    -------
    LoadedRun or VAE

    Raises
    ------
    gluonvae.training.config.RunError
        If there is neither, it is not whole, a parameter is not finite, or something has to be passed.

    Examples
    --------
    >>> run = gluonvae.load("runs/first")
    >>> run.vae.phantasize(10)
    >>> gluonvae.evaluate(run.bound, run.data.test)
    >>> run.resume(epochs=40)
    >>> vae = gluonvae.load("model.npz")
    """
    path, ctx = Path(path).expanduser(), ctx or mx.current_context()
    parameters = CHECKPOINT_FILES[checks.known_name("checkpoint", checkpoint, CHECKPOINT_FILES)]
    check_device(ctx)
    if vae is not None and not isinstance(vae, VAE):
        raise TypeError(f"vae must be a VAE, got {type(vae).__name__}")
    if not path.exists():
        raise RunError(f"there is no {path}: name the folder of a run, or a file that vae.save wrote")
    if path.is_dir():
        _check_best(path, parameters)
        return LoadedRun(path, *load_run(path, ctx, parameters, vae), bound, data)
    for name, value in (("bound", bound), ("data", data)):
        if value is not None:
            raise ValueError(f"{name} is for the folder of a run, and {path} is a file")
    return load_model(path, ctx, vae)


def _check_best(folder: Path, parameters: str) -> None:
    if parameters == BEST and (folder / PARAMETERS).exists() and not (folder / BEST).exists():
        raise RunError(f"{folder} has no {BEST}: it was trained without validation data, or no epoch has ended yet")


def _parameters(bound: Objective) -> Mapping[str, Any]:
    bound.collect_params()  # initialises those of its own
    return bound._collect_params_with_prefix()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _in_words(config: Config) -> str:
    parts = config["parts"] or {}
    told = [f"{part['images']} {config['things']} ({name})" for name, part in parts.items() if part]
    return (", ".join(told) or config["things"]) + f" of shape {tuple(config['shape'])}"
