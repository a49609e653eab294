"""A hospital that lies elsewhere today: what it sent while it lay below a unit is in that unit's values, and nothing else of it is open there."""

from __future__ import annotations

import html
from collections.abc import Iterator
from fractions import Fraction

import pytest

from suwen.cli.main import main
from tests.integration.api_callers import Caller, token_of
from tests.integration.served import Served

QUERY = "unit=990101&period=2025"
WHY = "/indicators/SV01/why?unit=990101&period=2025-06&against=2025-05"


@pytest.fixture(scope="module")
def moved(served: Served) -> Iterator[Served]:
    """H0001 has gone to the other district; the release still knows it where it was."""
    file = served.region.folder / "organisations.csv"
    before = file.read_text("utf-8")
    lines = [line.replace(",990101,hospital,", ",990102,hospital,", 1) if line.startswith("H0001,") else line for line in before.splitlines()]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    yield served
    file.write_text(before, encoding="utf-8")


def test_the_records_of_the_unit_it_left_are_those_of_who_stayed(moved: Served) -> None:
    administrator, district = Caller(moved, session="administrator"), Caller(moved, session="district-administrator")
    path, asked = "indicators/SV01/records", {"unit": "990101", "period": "2025"}
    every, own = (one.get(path, **asked, limit="1000").json["items"] for one in (administrator, district))
    assert "H0001" in {one["organisation"] for one in every}
    assert own == [one for one in every if one["organisation"] != "H0001"] != []
    streamed = district.get(path, **asked, format="arrow").arrow
    assert set(streamed["organisation"].to_pylist()) == {one["organisation"] for one in own}


def test_a_page_lists_neither_its_records_nor_its_values(moved: Served) -> None:
    district, administrator = moved.client("district-administrator"), moved.client("administrator")
    page = f"/indicators/SV01?{QUERY}"
    assert "unit=H0001" in administrator.get(page).content.decode()
    name = moved.region.organisations["H0001"].name_en
    for address in (page, f"/indicators/SV01/records?{QUERY}", WHY):
        shown = html.unescape(district.get(address).content.decode())
        assert "unit=H0001" not in shown
        assert name not in shown, address
    assert name in html.unescape(administrator.get(WHY).content.decode())


def test_its_effect_is_one_part_with_all_that_is_not_open(moved: Served) -> None:
    path = "indicators/SV01/why?unit=990101&before=2025-05&after=2025-06"
    administrator, district = Caller(moved, session="administrator").get(path).json, Caller(moved, session="district-administrator").get(path).json
    parts = {one["part"]: one for one in district["effects"]}
    assert "H0001" not in parts
    assert parts[""]["effect"] == {one["part"]: one for one in administrator["effects"]}["H0001"]["effect"]
    assert sum(Fraction(one["effect"]) for one in parts.values()) == Fraction(district["change"])


def test_the_command_line_of_a_server_lists_as_little(moved: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    setting = moved.region.folder / "region.toml"
    before = setting.read_text("utf-8")
    setting.write_text(before + '\n[server]\naccess = "server"\n', encoding="utf-8")
    monkeypatch.setenv("SUWEN_TOKEN", token_of(moved, "district-administrator"))
    try:
        for words in (("records", "SV01", "--period", "2025"), ("why", "SV01", "--from", "2025-05", "--to", "2025-06")):
            capsys.readouterr()
            assert main(["indicator", *words, "--unit", "990101", "--region", str(moved.region.folder)]) == 0
            assert "H0001" not in capsys.readouterr().out
    finally:
        setting.write_text(before, encoding="utf-8")


def test_the_page_of_a_release_tells_the_books_of_open_feeds_alone(served: Served) -> None:
    whole, own = (served.client(name).get("/releases/1").content.decode() for name in ("administrator", "steward"))
    assert "h0002-his" in whole
    assert "h0001-his" in own
    assert "h0002-" not in own


def test_the_feed_of_a_hospital_that_begins_later_has_its_page(served: Served) -> None:
    file = served.region.folder / "organisations.csv"
    before = file.read_text("utf-8")
    header = before.splitlines()[0].split(",")
    rows = [dict(zip(header, line.split(","), strict=True)) for line in before.splitlines()[1:]]
    later = [{**row, "valid_from": "2999-01-01"} if row["organisation_id"] == "H0003" else row for row in rows]
    file.write_text("\n".join([",".join(header), *(",".join(row.values()) for row in later)]) + "\n", encoding="utf-8")
    try:
        assert served.client("administrator").get("/feeds/h0003-his").status_code == 200
        assert served.client("steward").get("/feeds/h0003-his").status_code == 403
    finally:
        file.write_text(before, encoding="utf-8")
