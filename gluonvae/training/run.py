"""A run's folder: what training saves, and how a model comes back from it.

::

    config.json         the model, the data and the training, as they were asked for
    status.json         running, finished, interrupted, diverged or failed; since when, and in which process
    lock                held by the process that is training
    metrics.jsonl       a line an epoch
    model.params        the parameters, in Gluon's format
    best.params         those of the epoch with the best bound on the validation set
    checkpoints/        what is needed to go on, see gluonvae.training.checkpoint
    result.json         the bound on the test set
    *.png               curves, reconstructions, samples
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, Union

from ..backend.types import Context
from ..files import append_line, as_json, is_part, sweep, sync_folder, write_bytes, write_json, written_by
from ..models import VAE, ConditionalVAE
from . import checkpoint
from .checkpoint import Checkpoint
from .config import Config, RunError, changed_conditions, read_config
from .divergence import Diverged
from .parameters import check_digest, check_file, known_digests, load_parameters
from .remaking import check_known, make_model
from .status import (
    DIVERGED,
    FAILED,
    FINISHED,
    INTERRUPTED,
    LOCK,
    RUNNING,
    STATUS,
    Lock,
    now,
    read_status,
    write_status,
)

_log = logging.getLogger(__name__)

CONFIG, METRICS, RESULT = "config.json", "metrics.jsonl", "result.json"
PARAMETERS, BEST, CHECKPOINTS = "model.params", "best.params", "checkpoints"


class Run:
    """The folder of a training, which this process alone writes. It is a context manager.

    At the end of the context the status of the run says how it ended. :meth:`create` and :meth:`resume` make one.
    """

    def __init__(self, folder: Path, lock: Lock, config: Config) -> None:
        self.folder, self.config = folder, config
        self.status = read_status(folder)
        """What status.json said when the run was opened; nothing in a new one."""
        self.checkpoint: Optional[Checkpoint] = None
        """What training goes on from; nothing in a new run."""
        self.interrupted = False
        """Whether a signal has ended the training."""
        self._lock, self._started = lock, self.status.get("started", now())
        self._is_new = self._made_folder = self._has_begun = False
        self._digests = known_digests(self.status)
        """Those of the files that model.params may be."""

    @classmethod
    def create(cls, folder: Union[str, Path], config: Config) -> Run:
        """Claim a folder for a new training.

        Parameters
        ----------
        folder : str or Path
            It must not exist, or be empty.
        config : Config
            What config.json is to hold.

        Raises
        ------
        RunError
            If something is in the way.
        OSError
            If it cannot be written to; nothing is left then.
        """
        folder = Path(folder)
        _check_empty(folder)
        makes_folder = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        return cls._claim(folder, config, makes_folder)

    @classmethod
    def _claim(cls, folder: Path, config: Config, made_folder: bool) -> Run:
        """Make a folder that is there that of a new training."""
        lock = Lock(folder)
        try:
            _check_empty(folder)  # again: another process may have had it in between
        except RunError:
            lock.release()
            raise
        try:
            sweep(folder)
            run = cls(folder, lock, config)
            run._is_new, run._made_folder = True, made_folder
            run.begin()
            write_json(folder / CONFIG, config)
            sync_folder(folder.parent)
        except BaseException:
            _remove(folder, lock, made_folder)
            raise
        return run

    @classmethod
    def create_named(cls, name: str, config: Config) -> Run:
        """Claim the folder ``name``, or where it exists ``name``-2, ``name``-3, ..., see :meth:`create`."""
        number, folder = 1, Path(name)
        folder.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1
                folder = Path(f"{name}-{number}")
            else:
                return cls._claim(folder, config, made_folder=True)

    @classmethod
    def resume(cls, folder: Union[str, Path]) -> Run:
        """Open the folder of a training that has ended, to go on with it.

        Parameters
        ----------
        folder : str or Path
            A folder that :meth:`create` made.

        Raises
        ------
        RunError
            If it is not the folder of a run, or in use by another training.
        gluonvae.training.checkpoint.CheckpointError
            If its checkpoints are damaged.
        """
        folder = Path(folder)
        config = read_config(folder / CONFIG)
        lock = Lock(folder)
        try:
            run = cls(folder, lock, config)
            run.checkpoint = checkpoint.last(folder / CHECKPOINTS)
            changed = changed_conditions(config)
            if changed:
                _log.warning("%s was started with %s: it goes on the same to rounding, not to the bit", folder, changed)
            for place in filter(Path.is_dir, (folder, folder / CHECKPOINTS)):
                sweep(place)
        except BaseException:
            lock.release()
            raise
        return run

    def begin(self) -> None:
        """Say in the folder that the run is being trained. What ends a run before that leaves its status alone."""
        self._has_begun = True
        self._write_status(RUNNING)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if not self._lock.is_there():
            self._lock.release()
            if error is None:
                raise self._removed()
            return
        if error is not None and self._is_new and not checkpoint.found(self.file(CHECKPOINTS)):
            _remove(self.folder, self._lock, self._made_folder)  # nothing has been learnt
            return
        try:
            if self._has_begun:
                self._write_status(self._how_it_ended(error), **({"message": str(error)} if error else {}))
        except OSError as unwritten:
            if error is None:
                raise
            _log.warning("the status of %s could not be written: %s", self.folder, unwritten)
        finally:
            self._lock.release()

    def restore_folder(self) -> bool:
        """Make the folder anew where it was removed during the training, with the configuration and the status.

        Returns
        -------
        bool
            Whether it was removed, with all that had been written to it.

        Raises
        ------
        RunError
            If another run is there now.
        OSError
            If it cannot be made.
        """
        if self._lock.is_there() and self.file(CONFIG).exists():
            return False
        if not self._lock.is_there():
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = Lock(self.folder)
            if self.file(CONFIG).exists():
                lock.release()
                raise self._removed()
            self._lock.release()
            self._lock = lock
        _log.warning("%s was removed during the training: it is written again", self.folder)
        self._write_status(RUNNING)
        write_json(self.file(CONFIG), self.config)
        return True

    def _removed(self) -> RunError:
        now = " and is of another run now" if self.file(CONFIG).exists() else ""
        return RunError(f"{self.folder} was removed during the training{now}")

    def _how_it_ended(self, error: Optional[BaseException]) -> str:
        if self.interrupted or isinstance(error, KeyboardInterrupt):
            return INTERRUPTED
        if error is None:
            return FINISHED
        return DIVERGED if isinstance(error, Diverged) else FAILED

    def _write_status(self, status: str, **more: Any) -> None:
        write_status(self.folder, status, self._started, parameters=self._digests, **more)

    @property
    def lacks_checkpoints(self) -> bool:
        """Whether the run has been trained and has no checkpoint, as that of an older version."""
        trained = self.file(METRICS).exists() or self.file(PARAMETERS).exists()
        return self.checkpoint is None and trained and not self._is_new

    def file(self, name: str) -> Path:
        """Return the path of a file in the folder."""
        return self.folder / name

    def append_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Add an epoch's line."""
        append_line(self.file(METRICS), as_json(metrics))

    def write_metrics(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the lines of all epochs so far."""
        write_bytes(self.file(METRICS), "".join(f"{as_json(row)}\n" for row in rows).encode())

    def save_best(self, parameters: bytes) -> None:
        """Write the parameters of the best epoch."""
        write_bytes(self.file(BEST), parameters)

    def save(self, step: int, state: Checkpoint, vae: VAE) -> None:
        """Write a checkpoint after ``step`` steps, and the parameters of the model."""
        checkpoint.add(self.file(CHECKPOINTS), step, state)
        if step:
            self.save_parameters(vae)

    def save_parameters(self, vae: VAE) -> None:
        """Write the parameters of the model as Gluon does."""
        content = written_by(vae.save_parameters)
        digest, before = hashlib.sha256(content).hexdigest(), self._digests
        # both are valid while one file is replaced by the other
        self._digests = [digest, *before]
        self._write_status(RUNNING)
        try:
            write_bytes(self.file(PARAMETERS), content)
        except BaseException:
            self._digests = before
            raise
        self._digests = [digest]

    def write_result(self, result: Mapping[str, float]) -> None:
        """Write the estimates on the test set."""
        if not self._lock.is_there():
            raise self._removed()
        write_json(self.file(RESULT), result)


def _check_empty(folder: Path) -> None:
    """Raise RunError where a folder cannot become that of a new run."""
    if folder.is_symlink() and not folder.exists():
        raise RunError(f"{folder} is a link that leads nowhere: name another folder")
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file: name a folder")
    # a run that was killed before it had a configuration is none
    if folder.is_dir() and any(not (path.name in (LOCK, STATUS) or is_part(path)) for path in folder.iterdir()):
        raise RunError(f"{folder} exists already: name another folder, remove it, or resume the run in it")


def _remove(folder: Path, lock: Lock, with_folder: bool) -> None:
    """Take back what a new run has written, and the folder if it was made for it."""
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    for path in (folder / name for name in (CONFIG, STATUS, METRICS, LOCK)):
        path.unlink(missing_ok=True)
    lock.release()
    if with_folder:
        with contextlib.suppress(OSError):
            folder.rmdir()


def load_run(folder: Path, ctx: Context, parameters: str = PARAMETERS, vae: Optional[VAE] = None) -> tuple[VAE, Config]:
    """Load the model of a run, and its configuration.

    Parameters
    ----------
    folder : Path
        The folder that a :class:`Run` wrote.
    ctx : Context
        The device of the parameters.
    parameters : str
        Which of its files of parameters.
    vae : VAE, optional
        A model to load them into, where it cannot be made of what the run knows of it.

    Returns
    -------
    vae : VAE
    config : Config

    Raises
    ------
    RunError
        If the folder is missing or not whole, a parameter is not finite, or the model has parts of the user's own.
    """
    config = read_config(folder / CONFIG)
    made_with: Any = config["model"] or config["vae"]
    if vae is None:
        check_known(folder, made_with)
    dtype = check_file(folder / parameters, made_with if vae is None else {})
    if parameters == PARAMETERS:
        check_digest(folder / parameters, known_digests(read_status(folder)))
    vae = make_model(folder / CONFIG, made_with) if vae is None else vae
    load_parameters(vae, folder / parameters, ctx, dtype)
    name_classes(vae, config)
    return vae, config


def name_classes(vae: VAE, config: Config) -> None:
    """Have the model of a run know its classes by the names that the run's data have for them."""
    if isinstance(vae, ConditionalVAE) and config["class_names"] is not None:
        vae.class_names = tuple(config["class_names"])
    elif isinstance(vae, ConditionalVAE):
        vae.classes_are_numbers = config["classes"]
