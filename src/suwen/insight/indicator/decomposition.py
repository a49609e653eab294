"""Why a number changed between two periods: what each part of it did, in effects that add up to the difference exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

NOTHING = Fraction(0)


@dataclass(frozen=True)
class Share:
    """What one part (a unit below, a group of patients) holds of a period: its numerator and, of a ratio, its denominator (else 0)."""

    numerator: Fraction = NOTHING
    denominator: Fraction = NOTHING


@dataclass(frozen=True)
class Effect:
    """What one part did to the difference. `rate`: its own ratio changed, `mix`: its weight in the whole did; of a number that adds up all is `rate`."""

    part: str
    before: Share
    after: Share
    rate: Fraction
    mix: Fraction

    @property
    def whole(self) -> Fraction:
        """Its part of the difference."""
        return self.rate + self.mix


def decomposed(before: Mapping[str, Share], after: Mapping[str, Share], *, ratio: bool, factor: int = 1) -> tuple[Effect, ...] | None:
    """The effects of all parts, the greatest first; they add up to the difference between the two values. None where a denominator is 0.

    A ratio is the sum of its parts' ratios, each by its weight, the part's share of the denominator. A part's `rate` is the change of its ratio by its mean
    weight, its `mix` the change of its weight by how far its mean ratio lies from that of the whole. A part without a denominator in one period has there the
    ratio of the other; what it holds of the numerator nevertheless counts as `rate`.
    """
    parts = sorted({*before, *after})
    nothing = Share()
    pairs = {part: (before.get(part, nothing), after.get(part, nothing)) for part in parts}
    if not ratio:
        found = [Effect(part, a, b, factor * (b.numerator - a.numerator), NOTHING) for part, (a, b) in pairs.items()]
        return _ordered(found)
    whole = tuple(sum((pair[at].denominator for pair in pairs.values()), NOTHING) for at in (0, 1))
    if not all(whole):
        return None
    means = [sum((pair[at].numerator for pair in pairs.values()), NOTHING) / whole[at] for at in (0, 1)]
    middle = (means[0] + means[1]) / 2
    return _ordered([_effect(part, a, b, (whole[0], whole[1]), middle, factor) for part, (a, b) in pairs.items()])


def _effect(part: str, a: Share, b: Share, whole: tuple[Fraction, Fraction], middle: Fraction, factor: int) -> Effect:
    weight_a, weight_b = a.denominator / whole[0], b.denominator / whole[1]
    own_a, own_b = _own(a, b), _own(b, a)
    beside = (NOTHING if b.denominator else b.numerator / whole[1]) - (NOTHING if a.denominator else a.numerator / whole[0])
    rate = (own_b - own_a) * (weight_a + weight_b) / 2 + beside
    mix = (weight_b - weight_a) * ((own_a + own_b) / 2 - middle)
    return Effect(part, a, b, factor * rate, factor * mix)


def _own(one: Share, other: Share) -> Fraction:
    """A part's ratio in one period; without a denominator that of the other period, and without any 0."""
    if one.denominator:
        return one.numerator / one.denominator
    return other.numerator / other.denominator if other.denominator else NOTHING


def _ordered(effects: list[Effect]) -> tuple[Effect, ...]:
    return tuple(sorted(effects, key=lambda effect: (-abs(effect.whole), effect.part)))
