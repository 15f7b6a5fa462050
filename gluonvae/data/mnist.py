"""MNIST and the sets published in its form: four IDX files, compressed, of grey images, 28×28, and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Optional

from ..backend.runtime import repository_of_gluon
from .known_set import KnownSet, named
from .opening import open_unpacked, reading
from .readers.base import Rows
from .readers.idx import read_idx
from .sources import Published

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def read_four(paths: Sequence[Path], classes: Optional[Sequence[str]] = None) -> dict[str, Rows]:
    """Read the four files.

    Parameters
    ----------
    paths : Sequence[Path]
        Images and labels of the training set, then of the test set.
    classes : Sequence[str], optional
        Names of the classes, which are their numbers otherwise.

    Returns
    -------
    dict[str, Rows]
        "train" and "test".
    """
    arrays = []
    for path in paths:
        with reading(path, "an IDX file"), open_unpacked(path) as file:
            arrays.append(read_idx(file))
    parts = {"train": arrays[:2], "test": arrays[2:]}
    return {part: Rows(x, named(y, classes) if classes else y) for part, (x, y) in parts.items()}


MNIST = KnownSet(
    title="MNIST, handwritten digits",
    folder="mnist",
    address=lambda: f"{repository_of_gluon()}/gluon/dataset/mnist/",
    files=tuple(
        Published(name, f"sha256:{digest}", unpacked=True)
        for name, digest in zip(
            NAMES,
            (
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        )
    ),
    read=read_four,
    valid=10_000,
    licence="CC BY-SA 3.0",
    citation="LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998",
)

FASHION_MNIST = KnownSet(
    title="Fashion-MNIST, clothes",
    folder="fashion_mnist",
    address=lambda: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    files=tuple(
        Published(f"{name}.gz", f"md5:{digest}")
        for name, digest in zip(
            NAMES,
            (
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ),
        )
    ),
    read=partial(
        read_four,
        classes=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
    ),
    valid=10_000,
    licence="MIT",
    citation="Xiao, Rasul and Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking, 2017",
)

KMNIST = KnownSet(
    title="Kuzushiji-MNIST, cursive Japanese",
    folder="kmnist",
    address=lambda: "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    files=tuple(
        Published(f"{name}.gz", f"md5:{digest}")  # as torchvision has them
        for name, digest in zip(
            NAMES,
            (
                "bdb82020997e1d708af4cf47b453dcf7",
                "e144d726b3acfaa3e44228e80efcd344",
                "5c965bf0a639b31b8f53240b1b52f4d7",
                "7320c461ea6c1c855c0b718fb2a4b134",
            ),
        )
    ),
    read=partial(read_four, classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")),
    valid=10_000,
    licence="CC BY-SA 4.0",
    citation="Clanuwat and others, Deep learning for classical Japanese literature, 2018",
)
