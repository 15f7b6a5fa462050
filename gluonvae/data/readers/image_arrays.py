"""Many image files in one array."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import BinaryIO, Callable, NamedTuple, Optional, TypeVar, Union

import numpy as np

from ...backend.processor import physical_cores
from ...progress import progress_bar
from ..sources import DataError
from .base import Wishes
from .image_cache import Decoded, Empty
from .image_decoding import MOST_PIXELS, WHITE, Header, Refused, attempt, read_header, read_pixels, strict_and_quiet
from .image_folder import ImageFile, shown
from .image_forms import fitted, has_colour, white_of_depth, write_pixels

Result = TypeVar("Result")

PIXELS_AT_ONCE = 1 << 26
"""The most pixels that all threads decode at a time; each takes at most some 30 bytes of memory meanwhile."""

FILES_AT_ONCE = 16
"""The most files that a thread takes at a time."""


class _Seen(NamedTuple):
    """What is known of an image when it is decoded."""

    has_colour: bool
    largest: int
    """The largest value of 16 bits."""


def decode_images(files: Sequence[ImageFile], wishes: Wishes, colour: Optional[bool], empty: Empty) -> Decoded:
    """Decode images into one array, see :func:`.images.read`.

    Parameters
    ----------
    files : Sequence[ImageFile]
        The files.
    wishes : Wishes
        Their size, and whether to leave out those that cannot be read.
    colour : bool, optional
        Whether the images are to have colours; None where that is up to them.
    empty : Callable
        Makes the array to write to.

    Returns
    -------
    Decoded
        The images in the order of the files.

    Raises
    ------
    DataError
        If a file cannot be read, or files do not fit together.
    """
    headers, broken = _each(lambda stream, index: read_header(stream), files, range(len(files)), wishes.skip_broken)
    size = _common_size(files, headers, wishes)
    channels = (3,) if colour or (colour is None and any(header.colour for header in headers.values())) else ()
    dtype = max((header.pixel_dtype for header in headers.values()), key=list(WHITE).index)
    values = empty((len(headers), *size, *channels), dtype)
    row_of = {index: row for row, index in enumerate(headers)}

    def decode(stream: BinaryIO, index: int) -> _Seen:
        pixels, header, row = read_pixels(stream), headers[index], values[row_of[index]]
        if (*pixels.shape[:2], pixels.dtype) != (header.height, header.width, header.pixel_dtype):
            raise Refused("has other pixels than its header says: it is broken")
        write_pixels(row, fitted(pixels, size, wishes.crop, wishes.resize is not None))
        return _Seen(colour is None and has_colour(row), int(pixels.max()) if pixels.dtype == np.uint16 else 0)

    most = max(header.height * header.width for header in headers.values())
    seen, broken_inside = _each(decode, files, headers, wishes.skip_broken, PIXELS_AT_ONCE // most)
    white = _white(files, {index: headers[index].pixel_dtype for index in seen}, seen, dtype)
    grey = colour is None and not any(image.has_colour for image in seen.values())
    values = _trimmed(values, [row_of[index] for index in seen], grey and bool(channels), empty)
    return Decoded(values, white, dict(sorted({**broken, **broken_inside}.items())))


def _each(
    function: Callable[[BinaryIO, int], Result],
    files: Sequence[ImageFile],
    indices: Collection[int],
    skip_broken: bool,
    most_threads: int = 64,
) -> tuple[dict[int, Result], dict[int, str]]:
    """Call a function with each file, in threads; return by index what it returns, and what is wrong with the others.

    Raises
    ------
    DataError
        Of the first file with which something is wrong, or if that is so of all.
    """

    def some(indices: Sequence[int]) -> list[tuple[int, Union[Result, DataError]]]:
        return [(index, attempt(function, files[index], index)) for index in indices]

    ordered = list(indices)
    results, broken = dict[int, Result](), dict[int, str]()
    threads = max(1, min(physical_cores(), most_threads))
    at_once = min(FILES_AT_ONCE, 1 + len(ordered) // (8 * threads))
    pieces = [ordered[start : start + at_once] for start in range(0, len(ordered), at_once)]
    pool = ThreadPoolExecutor(threads)
    try:
        with strict_and_quiet(), progress_bar(len(ordered), "image", leave=False, delay=1) as bar:
            for index, result in chain.from_iterable(pool.map(some, pieces)):
                bar.update()
                if not isinstance(result, DataError):
                    results[index] = result
                elif skip_broken:
                    broken[index] = str(result)
                else:
                    raise result
    finally:
        pool.shutdown(cancel_futures=True)
    if not results:
        raise DataError(f"none of {len(files)} image files can be read; the first: {next(iter(broken.values()))}")
    return results, broken


def _common_size(files: Sequence[ImageFile], headers: Mapping[int, Header], wishes: Wishes) -> tuple[int, int]:
    """Return H and W of all images, which are of that size or will be brought to it."""
    sizes = {index: (header.height, header.width) for index, header in headers.items()}
    first, size = next(iter(sizes.items()))
    if wishes.resize is not None:
        size = wishes.resize
        if not (min(size) > 0 and size[0] * size[1] <= MOST_PIXELS):
            raise DataError(f"images cannot be resized to {_text(size)}: that is no pixel, or more than {MOST_PIXELS}")
    elif wishes.crop:
        size = (min(map(min, sizes.values())),) * 2
    else:
        for index, other in sizes.items():
            if other != size:
                raise DataError(
                    f"{shown(files[index].path)} is {_text(other)} and {shown(files[first].path)} {_text(size)} "
                    "(height × width): bring all to one size, in the command by --resize H W, to a square by --crop, "
                    "or to H×W without distortion by both"
                )
    if wishes.shape is not None:
        shape = tuple(wishes.shape)
        wanted = shape[1:] if len(shape) == 3 and shape[-1] not in (1, 3) else shape[:2]
        if wanted != size:
            what = "images" if wishes.resize or wishes.crop else f"{shown(files[first].path)} and the others"
            raise DataError(
                f"{what} are {_text(size)} (height × width), the shape asks for {_text(wanted)}: scale them, in the "
                f"command by --resize {wanted[0]} {wanted[1]}, or give their own shape"
            )
    return size


def _text(size: Sequence[int]) -> str:
    return "×".join(map(str, size))


def _white(
    files: Sequence[ImageFile], dtypes: Mapping[int, np.dtype], seen: Mapping[int, _Seen], dtype: np.dtype
) -> float:
    """Return the value of full intensity."""
    largest = max(image.largest for image in seen.values())
    white = white_of_depth(largest) if largest else WHITE[np.dtype(np.uint16)]
    if white == WHITE[np.dtype(np.uint16)]:
        return WHITE[dtype]
    deep = next(index for index, depth in dtypes.items() if depth == np.uint16)
    other = next((index for index, depth in dtypes.items() if depth != np.uint16), None)
    if other is not None:
        raise DataError(
            f"{shown(files[deep].path)} has 16 bits and {shown(files[other].path)} has not, but no value of the "
            f"16 bits is above {largest}, so that it is not known how bright they are: save all with the same depth"
        )
    return white


def _trimmed(values: np.ndarray, rows: Sequence[int], grey: bool, empty: Empty) -> np.ndarray:
    """Leave out the rows of files that were broken, and equal channels."""
    if len(rows) == len(values) and not grey:
        return values
    trimmed = empty((len(rows), *(values.shape[1:3] if grey else values.shape[1:])), values.dtype)
    for target, row in zip(trimmed, rows):
        target[...] = values[row, ..., 0] if grey else values[row]
    return trimmed
