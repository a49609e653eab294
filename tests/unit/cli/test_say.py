"""What commands print: JSON that no reader rounds, tables without surprises."""

import json
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.base.errors import Place
from suwen.cli.say import count, plain, say_json, say_table


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        (7, "records", 7),
        (7, "person_id", "7"),
        (7, "id", "7"),
        (2**53, "n", 2**53),
        (2**53 + 1, "n", str(2**53 + 1)),
        (-(2**60), "n", str(-(2**60))),
        (True, "is_id", True),
        (None, "person_id", None),
        (Decimal("1.5000"), "", 1.5),
        (Decimal("3.0000"), "", 3),
        (Decimal("0.10000001"), "", 0.10000001),
        (Decimal("1234567890123456.12345678"), "", "1234567890123456.12345678"),
        (float("nan"), "", None),
        (float("inf"), "", None),
        (0.1, "", 0.1),
        (date(2024, 2, 29), "", "2024-02-29"),
        (datetime(2024, 2, 29, 1, 2, 3), "", "2024-02-29T01:02:03"),
        (b"\x00\xff", "", "00ff"),
        (Place("a", 1), "", {"file": "a", "line": 1}),
        ({"row_id": 1, "n": [1, {"x_id": 2}]}, "", {"row_id": "1", "n": [1, {"x_id": "2"}]}),
        ([1, 2], "ids_id", ["1", "2"]),
    ],
)
def test_values_as_json_holds_them(value: object, name: str, expected: object) -> None:
    assert plain(value, name) == expected
    assert type(plain(value, name)) is type(expected)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**15), max_value=10**15))
def test_no_decimal_is_rounded_on_its_way(value: Decimal) -> None:
    given_back = json.loads(json.dumps(plain(value)))
    assert Decimal(given_back) == value if isinstance(given_back, str) else Decimal(repr(given_back)) == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
    )
)
def test_anything_can_be_said(value: object) -> None:
    json.dumps(plain(value), allow_nan=False)


def test_a_table_keeps_brackets_and_shows_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(("name", "n"), [("[bold]x[/bold]", 1), ("a\x1b[31m\nb", 20), (None, None)], numbers=("n",))
    assert capsys.readouterr().out == "name             n\n[bold]x[/bold]   1\na�[31m�b        20\n\n"


def test_a_wide_table_is_not_cut_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(("a", "b"), [("x" * 500, "y")])
    assert "x" * 500 + "  y" in capsys.readouterr().out


def test_counts() -> None:
    assert [count(1, "file"), count(2, "file"), count(12345, "byte"), count(0, "match", "matches")] == ["1 file", "2 files", "12,345 bytes", "0 matches"]


def test_json_keeps_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"名": "素问"})
    assert "素问" in capsys.readouterr().out
