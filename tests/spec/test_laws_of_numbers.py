"""Laws of reading and reckoning numbers, against Python's decimal."""

from __future__ import annotations

import re
import string
from decimal import ROUND_HALF_UP, Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from tests.spec.evaluation import Column, evaluate, failures, few

LIMIT, MONEY_LIMIT = Decimal(10) ** 16, Decimal(10) ** 14
PLACES, MONEY_PLACES = Decimal("1e-8"), Decimal("1e-4")
WHOLE = r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)"
AMOUNT = rf"[+-]?(?:{WHOLE}\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{{1,2}})?"
COMPARATORS = {"<": "<", "<=": "<=", "=<": "<=", "≤": "<=", ">": ">", ">=": ">=", "=>": ">=", "≥": ">=", "=": "=", "": "="}
COMPARED = re.compile(rf"(<=|>=|=<|=>|<|>|=|≤|≥|)\s*({AMOUNT})")
HALF = str.maketrans("０１２３４５６７８９．，＋－＜＞＝≦≧ｅＥ", "0123456789.,+-<>=≤≥eE")
CONCEPTS = {"<": 4171756, "<=": 4171754, ">": 4172704, ">=": 4171755, "=": 4172703}

numbers = st.decimals(-LIMIT + 1, LIMIT - 1, places=8)
small = st.decimals(-1000, 1000, places=8)
integers = st.integers(-(2**63), 2**63 - 1)
noise = st.text(string.digits + "+-.,eE_<>=≤≥xX %\t\u3000０５．－＜≧ｅ" + "abinf", max_size=9)
spelled = st.builds(
    lambda mark, gap, amount, around: around + mark + gap + amount + around,
    st.sampled_from(["", "<", "<=", "=<", "≤", ">", ">=", "≥", "=", "＜", "＞＝", "≦", "~"]),
    st.sampled_from(["", " ", "\u3000"]),
    st.one_of(
        st.integers(-(10**18), 10**18).map(lambda i: f"{i:,}"),
        st.decimals(-(10**17), 10**17, places=10).map(str),
        st.decimals(-(10**9), 10**9, places=12).map(lambda d: f"{d:,.11f}"),
        st.floats(1e-12, 1e18).map(lambda f: f"{f:.5e}"),
        st.integers(-(10**10), 10**10).map(lambda i: str(i).translate(str.maketrans("0123456789-", "０１２３４５６７８９－"))),
    ),
    st.sampled_from(["", " ", "\t", "\ufeff", "\u3000"]),
)
texts = st.lists(st.one_of(noise, spelled, st.none()), min_size=1, max_size=60)
BLANKS = " \t\r\n\u3000\ufeff\u00a0"


def rounded(exact: Decimal, places: Decimal, limit: Decimal) -> Decimal | None:
    with localcontext(prec=120):
        value = exact.quantize(places, rounding=ROUND_HALF_UP)
    return value if abs(value) < limit else None


def read(text: str | None, places: Decimal, limit: Decimal) -> tuple[str, Decimal] | None:
    """(comparator, number) by the definition, or None."""
    found = None if text is None else COMPARED.fullmatch(text.strip(BLANKS).translate(HALF).replace("\u3000", " "))
    if found is None:
        return None
    value = rounded(Decimal(found[2].replace(",", "")), places, limit)
    return None if value is None else (COMPARATORS[found[1]], value)


@few
@given(texts)
def test_number_and_comparator_against_decimal(given_texts: list[str | None]) -> None:
    expected = [read(t, PLACES, LIMIT) for t in given_texts]
    x = Column("text", given_texts)
    assert evaluate("number(x)", x=x) == [e and e[1] for e in expected]
    assert evaluate("comparator(x)", x=x) == [e and e[0] for e in expected]
    assert evaluate("comparator_concept(x)", x=x) == [e and CONCEPTS[e[0]] for e in expected]
    blank = [t is None or not t.strip(BLANKS) for t in given_texts]
    assert failures("number(x)", x=x) == [[e is None and not b for e, b in zip(expected, blank, strict=True)]]


@few
@given(texts)
def test_integer_and_money_against_decimal(given_texts: list[str | None]) -> None:
    plain = [t is None or not set(t) & set("<>=≤≥≦≧＜＞＝") for t in given_texts]
    amounts = [read(t, MONEY_PLACES, MONEY_LIMIT) if p else None for t, p in zip(given_texts, plain, strict=True)]
    assert evaluate("money(x)", x=Column("text", given_texts)) == [a and a[1] for a in amounts]
    stripped = [None if t is None else t.strip(BLANKS).translate(HALF) for t in given_texts]
    whole = [int(t.replace(",", "")) if t is not None and re.fullmatch(f"[+-]?{WHOLE}", t) else None for t in stripped]
    assert evaluate("integer(x)", x=Column("text", given_texts)) == [w if w is not None and -(2**63) <= w < 2**63 else None for w in whole]


pairs = st.lists(st.tuples(st.one_of(small, numbers, st.none()), st.one_of(small, numbers, st.just(Decimal(0)), st.none())), min_size=1, max_size=50)


@few
@given(pairs)
def test_arithmetic_is_exact_or_null(given_pairs: list[tuple[Decimal | None, Decimal | None]]) -> None:
    a, b = Column("number", [p[0] for p in given_pairs]), Column("number", [p[1] for p in given_pairs])
    for text, law in {
        "a + b": lambda x, y: x + y,
        "a - b": lambda x, y: x - y,
        "a * b": lambda x, y: x * y,
        "divide(a, b)": lambda x, y: x / y if y else None,
        "minimum(a, b)": min,
        "maximum(a, b)": max,
    }.items():
        with localcontext(prec=120):
            exact = [None if x is None or y is None else law(x, y) for x, y in given_pairs]
        expected = [None if e is None else rounded(e, PLACES, LIMIT) for e in exact]
        assert evaluate(text, a=a, b=b) == expected, text
        if not text.startswith("m"):
            too_large = [e is not None and w is None for e, w in zip(exact, expected, strict=True)]
            assert failures(text, a=a, b=b)[0] == too_large, text


@few
@given(st.lists(st.one_of(numbers, small, st.none()), min_size=1, max_size=50), st.integers(0, 8))
def test_round_half_up_against_decimal(values: list[Decimal | None], places: int) -> None:
    expected = [None if v is None else rounded(v, Decimal(1).scaleb(-places), LIMIT) for v in values]
    x = Column("number", values)
    assert evaluate(f"round_half_up(x, {places})", x=x) == expected
    assert evaluate("round_to_integer(x)", x=x) == [None if v is None else int(v.quantize(Decimal(1), ROUND_HALF_UP)) for v in values]
    assert evaluate("absolute(x)", x=x) == [None if v is None else abs(v) for v in values]


@few
@given(st.lists(st.tuples(integers, st.one_of(integers, st.integers(-9, 9))), min_size=1, max_size=50))
def test_integers_of_64_bits(given_pairs: list[tuple[int, int]]) -> None:
    a, b = Column("integer", [p[0] for p in given_pairs]), Column("integer", [p[1] for p in given_pairs])

    def cut(x: int, y: int) -> int | None:
        return None if y == 0 else abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)

    for text, law in {
        "a + b": lambda x, y: x + y,
        "a - b": lambda x, y: x - y,
        "a * b": lambda x, y: x * y,
        "-a": lambda x, _: -x,
        "integer_divide(a, b)": cut,
        "remainder(a, b)": lambda x, y: None if y == 0 else x - y * (cut(x, y) or 0),
        "absolute(a)": lambda x, _: abs(x),
    }.items():
        exact = [law(x, y) for x, y in given_pairs]
        assert evaluate(text, a=a, b=b) == [e if e is not None and -(2**63) <= e < 2**63 else None for e in exact], text


@few
@given(st.lists(st.tuples(st.decimals(-MONEY_LIMIT + 1, MONEY_LIMIT - 1, places=4), st.one_of(integers, st.integers(-99, 99))), min_size=1, max_size=50))
def test_money_times_a_count(given_pairs: list[tuple[Decimal, int]]) -> None:
    m, n = Column("money", [p[0] for p in given_pairs]), Column("integer", [p[1] for p in given_pairs])
    with localcontext(prec=120):
        exact = [x * y for x, y in given_pairs]
    expected = [e if abs(e) < MONEY_LIMIT else None for e in exact]
    assert evaluate("m * n", m=m, n=n) == expected
    assert evaluate("n * m", m=m, n=n) == expected
    assert failures("m * n", m=m, n=n) == [[e is None for e in expected]]
