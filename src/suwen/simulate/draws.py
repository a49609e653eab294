"""Chance as a function: what is drawn for an entity depends on the seed, the purpose and the entity's number alone.

No state is carried, so persons can be made in any order, in blocks of any size and on any machine, and give the same values. All is in whole numbers:
floating-point functions differ between processors in the last place.
Source of the mixing: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014), the finaliser of SplitMix64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
STEPS = 1024  # of a table of quantiles
_WHOLE = 1_000_000_000  # a probability of one
_GOLDEN, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def _mixed(state: Bits) -> Bits:
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))


@lru_cache(maxsize=4096)
def _salt(seed: int, purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{purpose}".encode()).digest()[:8], "little")


def draw(seed: int, purpose: str, *keys: npt.ArrayLike) -> Bits:
    """64 bits for each entity, named by one or more whole numbers (arrays that spread over each other); other for every seed and purpose."""
    with np.errstate(over="ignore"):
        state: Bits = np.array(_salt(seed, purpose), dtype=np.uint64)
        for key in keys:
            state = _mixed(state + _GOLDEN + np.asarray(key).astype(np.int64).view(np.uint64) * _FIRST)
        return _mixed(state + _GOLDEN)


def below(bits: Bits, limit: npt.ArrayLike) -> Ints:
    """Equally likely whole numbers from 0 to limit - 1; limit at most 2^31."""
    return ((bits >> np.uint64(32)) * np.asarray(limit).astype(np.uint64) >> np.uint64(32)).astype(np.int64)


def happens(bits: Bits, millionths: npt.ArrayLike) -> Truths:
    """True with a probability in millionths."""
    return below(bits, 1_000_000) < np.asarray(millionths)


def chosen(bits: Bits, weights: Sequence[int] | Ints) -> Ints:
    """Places in a list, each as likely as its weight."""
    ends = np.cumsum(np.asarray(weights, dtype=np.int64))
    return np.searchsorted(ends, below(bits, int(ends[-1])), side="right").astype(np.int64)


@lru_cache(maxsize=1)
def _normal() -> Ints:
    """Quantiles of the normal distribution in thousandths, at the middle of each of STEPS equal steps."""
    unit = NormalDist()
    return np.array([round(1000 * unit.inv_cdf((step + 0.5) / STEPS)) for step in range(STEPS)], dtype=np.int64)


@lru_cache(maxsize=1)
def _exponential() -> Ints:
    """Quantiles of the exponential distribution of mean 1 in thousandths; by a sum, since a logarithm's last place is the machine's."""
    found, left = [], 0
    for step in range(STEPS):  # mean waiting between order statistics: 1/n + 1/(n-1) + ...
        left += 1_000_000 // (STEPS - step)
        found.append((left + 500) // 1000)
    return np.array(found, dtype=np.int64)


def normal(bits: Bits, mean: npt.ArrayLike, deviation: npt.ArrayLike) -> Ints:
    """Whole numbers spread normally about a mean, both given in the numbers' own unit."""
    return np.asarray(mean) + (_normal()[below(bits, STEPS)] * np.asarray(deviation) + 500) // 1000


def waiting(bits: Bits, mean: npt.ArrayLike) -> Ints:
    """Whole numbers of a waiting time with a mean: many short, few long."""
    return (_exponential()[below(bits, STEPS)] * np.asarray(mean) + 500) // 1000


def counted(bits: Bits, mean_millionths: npt.ArrayLike, most: int = 8) -> Ints:
    """How often a thing happens (Poisson) when it does so `mean_millionths` millionths times on average, at most twice; never more than `most`."""
    mean = np.asarray(mean_millionths, dtype=np.int64)
    at = below(bits, _WHOLE)
    point = _WHOLE - (mean * 1000 >> 10)
    for _ in range(10):  # (1 - mean / 1024) ** 1024, which is exp(-mean) but for less than a part in 500
        point = point * point // _WHOLE
    total, found = np.broadcast_to(point, at.shape), np.zeros(at.shape, dtype=np.int64)
    for number in range(1, most + 1):
        found = found + (at >= total)
        point = point * mean // (1_000_000 * number)
        total = total + point
    return found
