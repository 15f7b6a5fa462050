"""Work in pieces: how many rows fit into memory, and results that are put together of parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .runtime import mx
from .types import Tensor

MEMORY = 128.0
"""About what one piece of a computation may take, in MB."""
ARRAYS_A_ROW = 8
"""How many arrays as long as the longest a graph holds at once for each row, generously."""

Part = tuple[slice, ...]
"""A part of an array, by its leading axes."""


def rows_that_fit(floats_per_row: int, memory: float = MEMORY) -> int:
    """Return how many rows of a computation take about ``memory`` MB together.

    Parameters
    ----------
    floats_per_row : int
        Length of the longest tensor that a row takes.
    memory : float

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    ValueError
        If the memory is not positive.
    """
    if not memory > 0:
        raise ValueError(f"memory must be positive, got {memory}")
    return max(1, int(memory * 2**20 / (4 * ARRAYS_A_ROW * floats_per_row)))


def blocks(leading: Sequence[int], rows: int) -> list[Part]:
    """Split an array into parts, in the order in which they lie in memory.

    Parameters
    ----------
    leading : sequence of int
        Sizes of the axes before the last: ``(B,)`` or ``(k, B)``, for example.
    rows : int
        The most rows of a part, over all leading axes together.

    Returns
    -------
    list of tuple of slice
        Parts of about the same size, so that a graph is planned for few sizes.
    """
    *outer, last = leading
    count = -(-last // rows)
    step = -(-last // count)
    inner = [slice(start, min(start + step, last)) for start in range(0, last, step)]
    if not outer:
        return [(part,) for part in inner]
    return [(*others, part) for others in blocks(outer, max(1, rows // last)) for part in inner]


def in_pieces(compute: Callable[[Part], Tensor], leading: Sequence[int], parts: Sequence[Part]) -> Tensor:
    """Compute an array part by part.

    In a training, whose layers may look at all rows, and while gradients are recorded, which keeps all in memory
    anyway, it is computed in one part.

    Parameters
    ----------
    compute : Callable[[tuple of slice], Tensor]
        Computes a part of the result.
    leading : sequence of int
        Sizes of the axes of the result before the last.
    parts : sequence of tuple of slice
        The parts of the result, together all of it.

    Returns
    -------
    Tensor
        ``(*leading, size)``.
    """
    if mx.autograd.is_recording() or mx.autograd.is_training():
        return compute((slice(None),) * len(leading))
    first, *others = parts
    values = compute(first)
    if not others:
        return values
    whole = mx.nd.empty((*leading, values.shape[-1]), values.context, values.dtype)
    whole[first] = values
    for part in others:
        whole[part] = compute(part)
    return whole
