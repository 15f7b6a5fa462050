"""Other data prepared as those of a run were: which columns there are, and what becomes of grey values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Optional, Union

from ..data import DataError, Dataset, Splits, Stream, binarized
from ..data.own import OPTIONS, granted, parts_of, read_own, split_parts, wishes_of
from ..data.readers.base import Contents
from .config import Config
from .schema import NOT_ASKED


class Found(NamedTuple):
    """What a file or folder holds, read as the run's own data were, as far as that has an effect."""

    contents: Contents
    parts: dict[str, Dataset]
    """By name; all is "train" where the parts are not named. Their values are as they are."""
    source: dict[str, Any]
    """The arguments of :func:`gluonvae.data.load` that have an effect."""

    def split(self, shares: Any = None) -> Splits:
        """Return training, validation and test set, prepared as the run's."""
        splits = split_parts(dict(self.parts), self.contents, shares, self.source["split_seed"])
        return binarized(splits, self.source["binarization"])

    def prepared(self, part: str) -> Dataset:
        """Return a part, prepared as the run's data."""
        one = self.parts[part]
        return binarized(Splits(one, one, one), self.source["binarization"]).test


def read_as_before(path: Path, config: Config) -> Found:
    """Read a file or folder as a run's own data were read.

    Raises
    ------
    DataError
        If it cannot be read, or its values or labels do not fit; the message names the path.
    """
    source = {**config["data"], **{key: NOT_ASKED[key] for key in OPTIONS.keys() - granted(path)}}
    contents = read_own(path, wishes_of(source))
    if config["white"] is not None:  # other images are measured as the run's were
        contents = contents._replace(white=config["white"])
    try:
        return Found(contents, parts_of(contents, source["shape"]), source)
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: {error}") from error


def prepare(config: Config, data: Any, labels: Optional[Any] = None) -> Union[Dataset, Stream]:
    """Return data as the model of a run takes them, prepared as the run's own were.

    Parameters
    ----------
    config : Config
        Of the run.
    data : str, Path, table, array or Dataset
        A file or folder, of which all is taken, in its order; a table of pandas, whose columns are taken by their
        names; values as an array, in the units of the run's data. A Dataset and batches are returned as they are.
    labels : optional
        Of the values, where these do not have them.

    Returns
    -------
    Dataset or Stream

    Raises
    ------
    DataError
        If a file cannot be read or has several parts, or a column is missing.
    """
    if isinstance(data, (Dataset, Stream)):
        return data
    if isinstance(data, (str, Path)):
        path = Path(data).expanduser()
        found = read_as_before(path, config)
        if len(found.parts) > 1:
            raise DataError(f"{path} has {', '.join(found.parts)}: take one of gluonvae.data.load({str(path)!r})")
        whole = found.prepared("train")
        check_columns(config, whole)
        return whole
    if hasattr(data, "iloc") and config["columns"] is not None:
        data, labels = _of_table(config, data, labels)
    return Dataset(
        data,
        None if hasattr(data, "iloc") else config["shape"],
        config["data"]["binarization"],
        labels,
        white=config["white"],
        things=config["things"],
        columns=config["columns"],
        name="data",
    )


def _of_table(config: Config, table: Any, labels: Optional[Any]) -> tuple[Any, Any]:
    """The columns of a table that the model was trained on, and its labels."""
    column = config["data"]["label_column"]
    if labels is None and column is not None and column in table.columns:
        labels = table[column].to_numpy()
    wanted = list(config["columns"] or ())
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise DataError(f"the table lacks {', '.join(missing[:3])}, which the model was trained on")
    return table[wanted], labels


def check_columns(config: Config, data: Dataset) -> None:
    """Raise DataError for a table whose columns are not those that the model was trained on, in their order."""
    wanted, given = config["columns"], data.columns
    if wanted is None or given is None or list(wanted) == list(given):
        return
    missing = [name for name in wanted if name not in given]
    others = [name for name in given if name not in wanted]
    said = [f"lacks {', '.join(missing[:3])}"] if missing else []
    said += [f"has {', '.join(others[:3])}, which were not"] if others else []
    of_table = " and ".join(said) or "has another order"
    raise DataError(f"the columns are not those that the model was trained on: the table {of_table}")
