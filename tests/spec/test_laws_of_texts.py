"""Laws of text, logic and identity numbers, against Python's own text functions and the standard's arithmetic."""

from __future__ import annotations

import unicodedata
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from tests.spec.evaluation import Column, evaluate, evaluate_all, failures, few, written

BLANK = "".join(c for c in map(chr, range(1, 0x10000)) if (ord(c) < 33 or (c.isspace() and ord(c) > 126) or c in "\u200b\ufeff"))
characters = st.one_of(
    st.sampled_from("aZ09 \t\u3000\ufeff\u00a0\u200b张三é🀄Ａ１，～|'\"\\%_-"),
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
)
texts = st.lists(st.one_of(st.none(), st.text(characters, max_size=12)), min_size=20, max_size=60)


def stripped(text: str | None) -> str | None:
    return None if text is None else text.strip(BLANK) or None


@few
@given(texts)
def test_text_strips_blanks_and_does_it_once(given_texts: list[str | None]) -> None:
    x = Column("text", given_texts)
    expected = [stripped(t) for t in given_texts]
    assert evaluate("text(x)", x=x) == expected
    assert evaluate("text(text(x))", x=x) == expected
    assert evaluate("is_blank(x)", x=x) == [e is None for e in expected]


def test_blank_characters_are_what_the_standard_calls_space_and_two_more() -> None:
    visible = [c for c in map(chr, [*range(33, 0xD800), *range(0xE000, 0x11000)]) if c not in BLANK]
    assert evaluate("text(x)", x=Column("text", [f"{c}{c}" for c in visible])) == [f"{c}{c}" for c in visible]
    assert evaluate("text(x)", x=Column("text", [f"{c}a{c}" for c in BLANK])) == ["a"] * len(BLANK)


@few
@given(texts, st.integers(1, 6), st.integers(0, 6))
def test_pieces_of_text_are_python_slices(given_texts: list[str | None], start: int, count: int) -> None:
    x = Column("text", given_texts)
    laws = {
        "length(x)": len,
        f"substring(x, {start}, {count})": lambda t: t[start - 1 : start - 1 + count] or None,
        f"left(x, {count})": lambda t: t[:count] or None,
        f"right(x, {count})": lambda t: (t[-count:] if count else "") or None,
        f"split_part(x, '|', {start})": lambda t: (t.split("|") + [""] * 9)[start - 1] or None,
        "replace(x, 'a', '张')": lambda t: t.replace("a", "张") or None,
        f"pad_left(x, {start}, '0')": lambda t: t.rjust(start, "0"),
        "digits(x)": lambda t: "".join(c for c in t if c in "0123456789") or None,
        "half_width(x)": lambda t: "".join(unicodedata.normalize("NFKC", c) if "\uff01" <= c <= "\uff5e" or c == "\u3000" else c for c in t),
        "starts_with(x, 'a')": lambda t: t.startswith("a"),
        "ends_with(x, '三')": lambda t: t.endswith("三"),
        "contains(x, '%')": lambda t: "%" in t,
        "null_if(x, 'a')": lambda t: None if t == "a" else t,
    }
    for text, got in evaluate_all(laws, x=x).items():
        assert got == [None if t is None else laws[text](t) for t in given_texts], text


@few
@given(texts)
def test_joining_and_choosing(given_texts: list[str | None]) -> None:
    other = given_texts[::-1]
    columns = {"x": Column("text", given_texts), "y": Column("text", other)}
    both = list(zip(given_texts, other, strict=True))
    assert evaluate("concat(x, y)", **columns) == [((a or "") + (b or "")) or None for a, b in both]
    assert evaluate("x || y", **columns) == [None if a is None or b is None else a + b for a, b in both]
    assert evaluate("coalesce(x, y, '-')", **columns) == [a if a is not None else b if b is not None else "-" for a, b in both]
    assert evaluate("same(x, y)", **columns) == [a == b for a, b in both]
    assert evaluate("x = y", **columns) == [None if a is None or b is None else a == b for a, b in both]
    assert evaluate("case when x = y then 1 else 2 end", **columns) == [1 if a is not None and a == b else 2 for a, b in both]


@few
@given(st.text(characters, max_size=30))
def test_a_literal_says_itself(text: str) -> None:
    assert evaluate(written(text, "text"), x=Column("integer", [1, 2])) == [text, text]


@few
@given(st.lists(st.sampled_from(["Y", "1", "是", " Y ", "N", "0", "否", "y", "", None, "\u3000", "Y|1"]), min_size=1, max_size=30))
def test_boolean_by_lists(values: list[str | None]) -> None:
    x = Column("text", values)
    known = {"Y": True, "1": True, "是": True, "N": False, "0": False, "否": False}
    expected = [known.get(stripped(v) or "") for v in values]
    assert evaluate("boolean(x, 'Y|1|是', 'N|0|否')", x=x) == expected
    assert failures("boolean(x, 'Y|1|是', 'N|0|否')", x=x) == [[e is None and stripped(v) is not None for v, e in zip(values, expected, strict=True)]]


WEIGHTS = [2 ** (18 - at) % 11 for at in range(1, 18)]


def check_character(digits: str) -> str:
    return "10X98765432"[sum(int(d) * w for d, w in zip(digits, WEIGHTS, strict=True)) % 11]


@st.composite
def identity_numbers(draw: st.DrawFn) -> str:
    day = draw(st.one_of(st.dates(date(1850, 1, 1), date(2200, 12, 31)).map("{:%Y%m%d}".format), st.text("0123456789", min_size=8, max_size=8)))
    front = draw(st.text("123456789", min_size=1, max_size=1)) + draw(st.text("0123456789", min_size=5, max_size=5))
    digits = front + day + draw(st.text("0123456789", min_size=3, max_size=3))
    last = check_character(digits) if draw(st.booleans()) else draw(st.sampled_from("0123456789XxY"))
    return draw(st.sampled_from(["", " ", "\u3000"])) + digits + (last.lower() if draw(st.booleans()) else last)


def birth(digits: str) -> date | None:
    try:
        found = date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return None
    return found if 1850 <= found.year <= 2200 else None


@few
@given(st.lists(st.one_of(identity_numbers(), st.text("0123456789Xx ", max_size=20)), min_size=20, max_size=60))
def test_identity_numbers_against_the_standard(numbers: list[str]) -> None:
    def valid(n: str) -> bool | None:
        n = n.strip().upper()
        whole = len(n) == 18 and n[:17].isdigit() and n[0] != "0" and n[17] == check_character(n[:17])
        return None if not n else whole and birth(n) is not None

    x = Column("text", numbers)
    judged = [valid(n) for n in numbers]
    clean = [n.strip() for n in numbers]
    assert evaluate("id_card_valid(x)", x=x) == judged
    assert evaluate("id_card_birth_date(x)", x=x) == [birth(n) if ok else None for n, ok in zip(clean, judged, strict=True)]
    assert evaluate("id_card_sex(x)", x=x) == [("1" if int(n[16]) % 2 else "2") if ok else None for n, ok in zip(clean, judged, strict=True)]
