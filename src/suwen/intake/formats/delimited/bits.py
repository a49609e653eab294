"""Masks over bytes packed 64 to a word, so that a whole block is reasoned about in a few operations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from suwen.intake.formats.delimited.block import Bools, Int64s

Words = npt.NDArray[np.uint64]
_ONE, _LAST, _ALL = np.uint64(1), np.uint64(63), np.uint64(0xFFFF_FFFF_FFFF_FFFF)


def pack(mask: Bools) -> Words:
    """Bit i of the words is element i of the mask; bits after its end are 0."""
    packed = np.packbits(mask, bitorder="little")
    return np.pad(packed, (0, -len(packed) % 8)).view("<u8").astype(np.uint64, copy=False)


def positions(words: Words) -> Int64s:
    """Numbers of the bits that are set."""
    found: Int64s = np.flatnonzero(np.unpackbits(words.astype("<u8", copy=False).view(np.uint8), bitorder="little").view(np.bool_))
    return found


def from_before(words: Words, first: bool) -> Words:
    """Bit i is bit i-1 of `words`; bit 0 is `first`."""
    shifted = words << _ONE
    shifted[1:] |= words[:-1] >> _LAST
    shifted[0] |= np.uint64(first)
    return shifted


def from_after(words: Words) -> Words:
    """Bit i is bit i+1 of `words`."""
    shifted = words >> _ONE
    shifted[:-1] |= words[1:] << _LAST
    return shifted


def odd_so_far(words: Words) -> Words:
    """Bit i is set where an odd number of bits 0 to i is."""
    found = words.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        found ^= found << np.uint64(shift)
    odd_words = np.bitwise_xor.accumulate((found >> _LAST).astype(np.bool_))
    found[1:] ^= np.where(odd_words[:-1], _ALL, np.uint64(0))
    return found
