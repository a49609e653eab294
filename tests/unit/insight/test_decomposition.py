"""Effects of parts: by a worked example, and by the law that they add up."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from suwen.insight.indicator.decomposition import Effect, Share, decomposed

numbers = st.integers(0, 50).map(Fraction)
shares = st.dictionaries(st.sampled_from("abcde"), st.builds(Share, numbers, numbers), max_size=5)


def share(numerator: int, denominator: int = 0) -> Share:
    return Share(Fraction(numerator), Fraction(denominator))


def test_two_hospitals_of_which_one_grows() -> None:
    """10/100 and 40/100 make 25 %; 10/100 and 80/200 make 30 %. No own ratio changes: the growth of the worse one is all of it.

    Weights 1/2, 1/2 and 1/3, 2/3; the middle of the whole is 27.5 %: a (1/3 - 1/2)(10 - 27.5) = 35/12, b (2/3 - 1/2)(40 - 27.5) = 25/12; together 5.
    """
    before = {"a": share(10, 100), "b": share(40, 100)}
    after = {"a": share(10, 100), "b": share(80, 200)}
    found = decomposed(before, after, ratio=True, factor=100)
    assert found == (
        Effect("a", before["a"], after["a"], Fraction(0), Fraction(35, 12)),
        Effect("b", before["b"], after["b"], Fraction(0), Fraction(25, 12)),
    )


def test_a_part_that_comes_is_mix_alone() -> None:
    """1/10, then 1/10 and 9/10: from 10 % to 50 %. b's ratio is taken as 90 % before too."""
    found = decomposed({"a": share(1, 10)}, {"a": share(1, 10), "b": share(9, 10)}, ratio=True, factor=100)
    assert found is not None
    assert {one.part: (one.rate, one.mix) for one in found} == {"a": (0, 10), "b": (0, 30)}


def test_counts_change_by_their_own_differences() -> None:
    found = decomposed({"a": share(3), "b": share(5)}, {"b": share(4), "c": share(7)}, ratio=False)
    assert found is not None
    assert [(one.part, one.whole) for one in found] == [("c", 7), ("a", -3), ("b", -1)]


def test_without_a_denominator_there_is_nothing_to_part() -> None:
    assert decomposed({"a": share(1, 0)}, {"a": share(1, 2)}, ratio=True) is None


@given(shares, shares, st.sampled_from([1, 100, 1000]))
def test_effects_of_a_ratio_add_up_exactly(before: dict[str, Share], after: dict[str, Share], factor: int) -> None:
    """Also where a part has a numerator and no denominator."""
    found = decomposed(before, after, ratio=True, factor=factor)
    over = [sum((one.denominator for one in of.values()), Fraction(0)) for of in (before, after)]
    if found is None:
        assert not all(over)
        return
    whole = [sum((one.numerator for one in of.values()), Fraction(0)) / n for of, n in zip((before, after), over, strict=True)]
    assert sum((one.whole for one in found), Fraction(0)) == factor * (whole[1] - whole[0])
    assert {one.part for one in found} == before.keys() | after.keys()


@given(shares, shares)
def test_swapping_the_periods_turns_every_effect_round(before: dict[str, Share], after: dict[str, Share]) -> None:
    there, back = decomposed(before, after, ratio=True), decomposed(after, before, ratio=True)
    if there is not None and back is not None:
        assert {one.part: (one.rate, one.mix) for one in there} == {one.part: (-one.rate, -one.mix) for one in back}
