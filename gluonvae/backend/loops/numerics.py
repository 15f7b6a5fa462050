"""exp and log1p that LLVM vectorises, which the C library's are not."""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

_f = np.float32
_LOG2_E = _f(1.4426950408889634)
# log(2) as two numbers, so that n log(2) is exact to float32 twice over (Cody and Waite 1980)
_LOG_2_HIGH, _LOG_2_LOW = _f(0.693359375), _f(-2.12194440e-4)
_LOWEST = _f(-87.0)


def _as_float(typing_context: Any, bits: Any) -> Any:
    """The float32 of these 32 bits, in numba's terms."""

    def convert(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return types.float32(types.int32), convert


_float_of_bits: Any = intrinsic(_as_float)


def exp_of_negative(x: Any) -> Any:
    """exp(x) for x <= 0; in float32 to 2 roundings, and never subnormal."""
    raise NotImplementedError("compiled only")


@overload(exp_of_negative, inline="always", strict=False)
def _exp_of_negative(x: Any) -> Callable[[Any], Any]:
    if x != types.float32:
        return lambda x: math.exp(x)

    def exp32(x: Any) -> Any:
        x = max(x, _LOWEST)
        n = np.floor(x * _LOG2_E + _f(0.5))
        r = (x - n * _LOG_2_HIGH) - n * _LOG_2_LOW
        # exp(r) for |r| <= log(2) / 2: the coefficients of Cephes' expf (Moshier 1992)
        p = _f(1.9875691500e-4)
        p = p * r + _f(1.3981999507e-3)
        p = p * r + _f(8.3334519073e-3)
        p = p * r + _f(4.1665795894e-2)
        p = p * r + _f(1.6666665459e-1)
        p = p * r + _f(5.0000001201e-1)
        return ((p * r) * r + r + _f(1)) * _float_of_bits((np.int32(n) + np.int32(127)) << np.int32(23))

    return exp32


def log1p_of_fraction(x: Any) -> Any:
    """log(1 + x) for 0 <= x <= 1; in float32 to 2 roundings."""
    raise NotImplementedError("compiled only")


@overload(log1p_of_fraction, inline="always", strict=False)
def _log1p_of_fraction(x: Any) -> Callable[[Any], Any]:
    if x != types.float32:
        return lambda x: math.log1p(x)

    def log1p32(x: Any) -> Any:
        # 2 atanh(s), whose series falls by 1/9 a term where s <= 1/3
        s = x / (_f(2) + x)
        q = s * s
        p = _f(1 / 15)
        p = p * q + _f(1 / 13)
        p = p * q + _f(1 / 11)
        p = p * q + _f(1 / 9)
        p = p * q + _f(1 / 7)
        p = p * q + _f(1 / 5)
        p = p * q + _f(1 / 3)
        return _f(2) * s * (p * q + _f(1))

    return log1p32
