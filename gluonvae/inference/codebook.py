"""A codebook: code vectors, and how they are trained."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import checks
from .. import noise as _noise
from ..backend.graphs import GraphBlock
from ..backend.operators import is_symbol, namespace
from ..backend.runtime import mx
from ..backend.types import Operators, Tensor

TRAINED_BY = ("averages", "gradient")
"""How code vectors are trained: as moving averages of the encodings nearest to them, or by the gradient of their
distance from these."""

SPREAD = 1.0
"""Standard deviation of the code vectors that training starts from."""

NEVER_USED = 1e-20
"""A moving count below which, unless it is revived, a code vector stays: it is a ratio of two numbers that fall to
0."""


class Codebook(GraphBlock):
    """K code vectors of d numbers each.

    Parameters
    ----------
    codes, code_size : int
        K and d.
    trained_by : {"averages", "gradient"}
        See :data:`TRAINED_BY`.
    """

    fixed: ClassVar[tuple[str, ...]] = ("codes", "code_size", "trained_by")

    def __init__(self, codes: int, code_size: int, trained_by: str) -> None:
        super().__init__()
        self.codes = checks.positive_int("codes", codes)
        self.code_size = checks.positive_int("code_size", code_size)
        self.trained_by = checks.known_name("codebook", trained_by, TRAINED_BY)
        of_gradient = trained_by == "gradient"
        init = mx.init.Normal(SPREAD)
        with self.name_scope():
            # (K, d), or behind the sum of the encodings of each code their number, (K, d + 1)
            self.rows = self.params.get(
                "rows",
                shape=(codes, code_size if of_gradient else code_size + 1),
                init=init if of_gradient else _SumsOfOne(SPREAD),
                grad_req="write" if of_gradient else "null",
            )

    def vectors(self, like: Tensor) -> Tensor:
        """Return the code vectors, ``(K, d)``, for a computation with ``like``."""
        F, rows = namespace(like), self.rows.var() if is_symbol(like) else self.rows.data(like.context)
        return F.identity(rows) if self.trained_by == "gradient" else F.broadcast_div(*_sums_and_counts(F, rows))

    def usage(self) -> np.ndarray:
        """Return the moving counts of the codes, ``(K,)``, where the code vectors are moving averages."""
        return self.rows.data().asnumpy()[:, -1]

    def follow(self, encodings: Tensor, codes: Tensor, decay: float, revive_below: float) -> Tensor:
        """Move the averages N := γ N + (1 - γ) n and m := γ m + (1 - γ) Σ z of each code vector m / N.

        z are the n encodings of a batch that it is nearest to (van den Oord, Vinyals and Kavukcuoglu 2017,
        appendix A.1). What is not finite moves no code vector.

        Parameters
        ----------
        encodings, codes : NDArray
            Those of a batch, ``(B, V * d)`` and ``(B, V)``.
        decay : float
            γ.
        revive_below : float
            A code whose moving count is below this many times the average one is dead, and put on an encoding of
            the batch, drawn from :data:`gluonvae.noise.source`, with the average count.

        Returns
        -------
        NDArray
            How many were dead, ``(1,)``.
        """
        F, before = mx.nd, self.rows.data(encodings.context)
        ones = F.ones((codes.size, 1), ctx=encodings.context, dtype=encodings.dtype)
        each = F.concat(encodings.reshape((-1, self.code_size)), ones, dim=1)
        of_code = F.one_hot(codes.reshape((-1,)), self.codes, dtype=np.dtype(encodings.dtype).name)
        rows = decay * before + (1 - decay) * F.dot(of_code, each, transpose_a=True)
        counts = rows[:, -1]
        average = counts.mean()
        dead = counts < revive_below * average
        chosen = F.array(_noise.source.rng.integers(0, codes.size, self.codes), encodings.context)
        rows = F.where(dead, F.broadcast_mul(average, F.take(each, chosen)), rows)
        sound = F.contrib.isfinite(rows.sum(axis=1)) * (rows[:, -1] > NEVER_USED)
        self.rows.set_data(F.where(sound, rows, before))
        return dead.sum()


def _sums_and_counts(F: Operators, rows: Tensor) -> tuple[Tensor, Tensor]:
    return (
        F.slice_axis(rows, axis=-1, begin=0, end=-1),
        F.slice_axis(rows, axis=-1, begin=-1, end=None),
    )


@mx.init.register
class _SumsOfOne(mx.init.Normal):
    """Normal, as sums over one encoding each: the last column is 1."""

    def _init_weight(self, name: str, array: Any) -> None:
        super()._init_weight(name, array)
        array[:, -1] = 1
