"""The forms in which the same numbers may come, by name: ``make(array, folder)``."""

import numpy as np
import pandas
import scipy.sparse

from gluonvae.backend.runtime import mx

gluon_data = mx.gluon.data


def mapped(array, folder):
    np.save(folder / "x.npy", array)
    return np.load(folder / "x.npy", mmap_mode="r")


def raw_memmap(array, folder):
    array.tofile(folder / "x.bin")
    return np.memmap(folder / "x.bin", array.dtype, "r", shape=array.shape)


class Downloaded(gluon_data.dataset._DownloadedDataset):
    """As the data sets of gluon.data.vision, whose file is there already."""

    def __init__(self, array, folder, transform=None):
        self.array = array
        super().__init__(str(folder), transform)

    def _get_data(self):
        self._data = mx.nd.array(self.array, dtype=self.array.dtype)
        self._label = np.zeros(len(self.array), np.int32)


class Own(gluon_data.Dataset):
    def __init__(self, array):
        self.array = array

    def __len__(self):
        return len(self.array)

    def __getitem__(self, row):
        return self.array[row]


def of_dtype(dtype):
    return lambda array, folder: array.astype(dtype)


WHOLE = {
    **{dtype: of_dtype(dtype) for dtype in ("int8", "uint8", "int16", "uint16", "int32", "int64", "uint64")},
    "big-endian whole numbers": of_dtype(">i4"),
    "masked, of which nothing is": lambda array, folder: np.ma.MaskedArray(array),
    "masked by a mask without a mark": lambda array, folder: np.ma.MaskedArray(array, np.zeros(array.shape, bool)),
    "lists": lambda array, folder: array.tolist(),
    "a tuple of rows": lambda array, folder: tuple(array),
    "csr_matrix": lambda array, folder: scipy.sparse.csr_matrix(array),
    "csc_matrix": lambda array, folder: scipy.sparse.csc_matrix(array),
    "coo_matrix": lambda array, folder: scipy.sparse.coo_matrix(array),
    "csr_array": lambda array, folder: scipy.sparse.csr_array(array),
    "csc_array": lambda array, folder: scipy.sparse.csc_array(array),
    "coo_array": lambda array, folder: scipy.sparse.coo_array(array),
    "sparse float32": lambda array, folder: scipy.sparse.csr_matrix(array.astype(np.float32)),
}
"""Of whole numbers."""

ANY = {
    **{dtype: of_dtype(dtype) for dtype in ("float16", "float32", "float64")},
    "big-endian": of_dtype(">f8"),
    "big-endian single": of_dtype(">f4"),
    "Fortran order": lambda array, folder: np.asfortranarray(array, np.float32),
    "every other column": lambda array, folder: np.repeat(array, 2, axis=1)[:, ::2],
    "backwards": lambda array, folder: array[::-1].copy()[::-1],
    "read-only": lambda array, folder: np.broadcast_to(array[None], (1, *array.shape))[0],
    "mapped": lambda array, folder: mapped(array.astype(np.float32), folder),
    "mapped, double": lambda array, folder: mapped(array.astype(np.float64), folder),
    "mapped, big-endian": lambda array, folder: mapped(array.astype(">f4"), folder),
    "mapped, Fortran order": lambda array, folder: mapped(np.asfortranarray(array, np.float32), folder),
    "mapped, a part": lambda array, folder: mapped(np.concatenate([array, array]), folder)[len(array) :],
    "mapped, without a header": raw_memmap,
    "NDArray": lambda array, folder: mx.nd.array(array),
    "NDArray, double": lambda array, folder: mx.nd.array(array, dtype="float64"),
    "DataFrame": lambda array, folder: pandas.DataFrame(array),
    "DataFrame of mixed types": lambda array, folder: pandas.DataFrame(array).astype({0: "float32", 1: "float64"}),
    "DataFrame with an index": lambda array, folder: pandas.DataFrame(array, index=np.arange(len(array))[::-1]),
    "ArrayDataset": lambda array, folder: gluon_data.ArrayDataset(array),
    "ArrayDataset of an NDArray": lambda array, folder: gluon_data.ArrayDataset(mx.nd.array(array)),
    "ArrayDataset of a mapped file": lambda array, folder: gluon_data.ArrayDataset(mapped(array, folder)),
    "ArrayDataset of lists": lambda array, folder: gluon_data.ArrayDataset(list(array)),
    "SimpleDataset": lambda array, folder: gluon_data.SimpleDataset(list(array)),
    "SimpleDataset of NDArrays": lambda array, folder: gluon_data.SimpleDataset([mx.nd.array(row) for row in array]),
    "transformed": lambda array, folder: gluon_data.ArrayDataset(array / 2).transform(lambda row: row * 2),
    "transformed, not lazy": lambda array, folder: gluon_data.SimpleDataset(list(array / 2)).transform(
        lambda row: row * 2, lazy=False
    ),
    "transformed NDArrays": lambda array, folder: gluon_data.ArrayDataset(mx.nd.array(array / 2)).transform(
        lambda row: row * 2
    ),
    "of vision's kind": Downloaded,
    "of vision's kind, transformed": lambda array, folder: Downloaded(array / 2, folder, lambda x, y: (x * 2, y)),
    "a data set of one's own": lambda array, folder: Own(array),
}
"""Of any numbers that a float16 holds, NaN among them."""

FORMS = {**WHOLE, **ANY}
