"""exp, log and what is made of them for compiled loops, which LLVM vectorises, unlike those of the C library."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from .native import less_product, of_numbers

_f = np.float32
_LOG2_E = _f(1.4426950408889634)
# log(2) as a sum of two numbers, which gives n log(2) twice the precision of float32 (Cody and Waite 1980)
_LOG_2_HIGH, _LOG_2_LOW = _f(0.693359375), _f(-2.12194440e-4)
_LOWEST = _f(-87.0)  # below, exp(x) would be subnormal
_LOWEST_LESS_1 = _f(-25.0)  # below, exp(x) - 1 is -1
_ONE = np.int32(0x3F800000)  # the bits of 1
_ROOT_OF_HALF = np.int32(0x3F3504F3)  # the bits of sqrt(1/2)


@of_numbers
def _reduced(x, lowest):
    """2**n and exp(r) - 1, with exp(x) = 2**n exp(r) and r within log(2) / 2 of 0, of x <= 0 or the lowest one."""
    y = lowest if x < lowest else x  # max would lose a NaN
    n = np.floor(y * _LOG2_E + _f(0.5))
    r = less_product(less_product(y, n, _LOG_2_HIGH), n, _LOG_2_LOW)
    # (exp(r) - 1 - r) / r**2: the polynomial with the least error relative to exp(r) - 1, 2e-8
    q = r * r
    p = (_f(8.3665717393e-3) * r + _f(4.1666284204e-2)) + _f(1.3946427497e-3) * q
    p = p * q + (_f(1.6666543484e-1) * r + _f(0.5))
    return np.int32(n) << 23, p * q + r


def exp_of_negative(x: float) -> float:
    """Compute exp(x) for x <= 0 in a compiled loop.

    Parameters
    ----------
    x : float
        A float32 or float64.

    Returns
    -------
    float
        Of the type of ``x``; in float32 accurate to 2 roundings, and never subnormal.
    """
    raise NotImplementedError("compiled only")


@overload(exp_of_negative, strict=False)
def _exp_of_negative(x: object) -> Callable[[float], float]:
    if x != types.float32:
        return lambda x: math.exp(x)

    def exp32(x: Any) -> Any:
        n, within = _reduced(x, _LOWEST)
        return np.int32(np.float32(within + _f(1)).view(np.int32) + n).view(np.float32)

    return exp32


@of_numbers
def expm1_of_negative(x):
    """exp(x) - 1 of a float32 x <= 0, accurate to a few roundings, also near 0."""
    n, within = _reduced(x, _LOWEST_LESS_1)
    two_to_n = np.int32(n + _ONE).view(np.float32)
    return within * two_to_n + (two_to_n - _f(1))


@of_numbers
def tanh(x):
    """The hyperbolic tangent of a float32, accurate to a few roundings, also near 0."""
    m = expm1_of_negative(_f(-2) * abs(x))
    size = -m / (_f(2) + m)
    return -size if x < _f(0) else size


def log1p_of_fraction(x: float) -> float:
    """Compute log(1 + x) for 0 <= x <= 1 in a compiled loop.

    Parameters
    ----------
    x : float
        A float32 or float64.

    Returns
    -------
    float
        Of the type of ``x``; in float32 accurate to 2 roundings.
    """
    raise NotImplementedError("compiled only")


@overload(log1p_of_fraction, strict=False)
def _log1p_of_fraction(x: object) -> Callable[[float], float]:
    if x != types.float32:
        return lambda x: math.log1p(x)

    def log1p32(x: Any) -> Any:
        # below 2**-30 it is x; the square would be subnormal, with which a CPU is ten times slower
        t = _f(0) if x < _f(2.0**-30) else x
        # (log(1 + x) - x) / x**2, of the polynomial with the least error relative to log(1 + x), 3e-8
        q = t * t
        low = (_f(1.9675939e-1) * t + _f(-2.4954134e-1)) * q + (_f(3.3329964e-1) * t + _f(-4.9999902e-1))
        high = (_f(1.9851463e-2) * t + _f(-5.6959536e-2)) * q + (_f(1.0603655e-1) * t + _f(-1.5305592e-1))
        p = (_f(-3.2440252e-3) * (q * q) + high) * (q * q) + low
        return p * q + x

    return log1p32


def log_of_positive(x: float) -> float:
    """Compute log(x) for normal numbers in a compiled loop: -inf at 0, NaN below.

    Parameters
    ----------
    x : float
        A float32 or float64.

    Returns
    -------
    float
        Of the type of ``x``; in float32 accurate to 2 roundings.
    """
    raise NotImplementedError("compiled only")


@overload(log_of_positive, strict=False)
def _log_of_positive(x: object) -> Callable[[float], float]:
    if x != types.float32:
        return lambda x: math.log(x) if x > 0 else (-math.inf if x == 0 else math.nan)

    def log32(x: Any) -> Any:
        # x = m 2^n with m within a factor sqrt(2) of 1, of the bits of x less those of sqrt(1/2)
        bits = np.float32(x).view(np.int32)
        n = (bits - _ROOT_OF_HALF) >> 23
        f = np.int32(bits - (n << 23)).view(np.float32) - _f(1)
        # log(1 + f): the coefficients of Cephes' logf (Moshier 1992)
        p = _f(7.0376836292e-2)
        p = p * f + _f(-1.1514610310e-1)
        p = p * f + _f(1.1676998740e-1)
        p = p * f + _f(-1.2420140846e-1)
        p = p * f + _f(1.4249322787e-1)
        p = p * f + _f(-1.6668057665e-1)
        p = p * f + _f(2.0000714765e-1)
        p = p * f + _f(-2.4999993993e-1)
        p = p * f + _f(3.3333331174e-1)
        q, k = f * f, _f(n)
        within = f + (p * f * q - _f(0.5) * q + k * _LOG_2_LOW) + k * _LOG_2_HIGH
        beyond = _f(np.inf) if x > _f(0) else (_f(-np.inf) if x == _f(0) else _f(np.nan))
        return within if _f(0) < x and x < _f(np.inf) else beyond

    return log32


def constant(value: float, like: float) -> float:
    """Return a constant in the type of another number, in a compiled loop."""
    raise NotImplementedError("compiled only")


@overload(constant, strict=False)
def _constant(value: object, like: object) -> Callable[[Any, Any], Any]:
    if like == types.float32:
        return lambda value, like: np.float32(value)
    return lambda value, like: value


@of_numbers
def softplus(x):
    """log(1 + exp(x)), accurate to a few roundings."""
    zero = constant(0.0, x)
    return (zero if x < zero else x) + log1p_of_fraction(exp_of_negative(-abs(x)))


@of_numbers
def sigmoid(x):
    """1 / (1 + exp(-x)), accurate to a few roundings, also near 0."""
    one = constant(1.0, x)
    e = exp_of_negative(-abs(x))
    return (e if x < constant(0.0, x) else one) / (one + e)


@of_numbers
def _beyond_one(x):
    """The size of x where it is 1 or more or NaN, else 1."""
    size, one = abs(x), constant(1.0, x)
    return one if size < one else size


@of_numbers
def log_sinhc(x):
    """log(sinh(x / 2) / (x / 2)): the logarithm of the integral of exp(x (v - 1/2)) over v from 0 to 1.

    Below 1 it is its series.
    """
    one, q, a = constant(1.0, x), x * x, _beyond_one(x)
    p = constant(-3617 / 170729965486080000, x)
    p = p * q + constant(1 / 1046139494400, x)
    p = p * q + constant(-691 / 15692092416000, x)
    p = p * q + constant(1 / 479001600, x)
    p = p * q + constant(-1 / 9676800, x)
    p = p * q + constant(1 / 181440, x)
    p = p * q + constant(-1 / 2880, x)
    p = p * q + constant(1 / 24, x)
    closed = constant(0.5, x) * a + log_of_positive((one - exp_of_negative(-a)) / a)
    return p * q if abs(x) < one else closed


@of_numbers
def slope_of_log_sinhc(x):
    """coth(x / 2) / 2 - 1 / x, the derivative of :func:`log_sinhc`."""
    one, q, a = constant(1.0, x), x * x, _beyond_one(x)
    p = constant(-16 * 3617 / 170729965486080000, x)
    p = p * q + constant(14 / 1046139494400, x)
    p = p * q + constant(-12 * 691 / 15692092416000, x)
    p = p * q + constant(10 / 479001600, x)
    p = p * q + constant(-8 / 9676800, x)
    p = p * q + constant(6 / 181440, x)
    p = p * q + constant(-4 / 2880, x)
    p = p * q + constant(2 / 24, x)
    e = exp_of_negative(-a)
    closed = constant(0.5, x) + e / (one - e) - one / a
    return p * x if abs(x) < one else (closed if x > constant(0.0, x) else -closed)
