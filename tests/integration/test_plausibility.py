"""The report on the simulated region: a small one is written, its figures obey what must hold, and its page names a source for whatever is published."""

import re
from pathlib import Path

import numpy as np
import pytest

from bench import plausibility
from bench.plausible import charts_care, charts_people
from bench.plausible.figures import Reported, aimed_at, at_start, figures, measured, mortality, nights, person_years, reported, taken
from bench.plausible.page import IMAGES
from bench.plausible.published import DERIVED, INVENTED, PUBLISHED, Disease, Figure, diseases, rows
from bench.plausible.published import figures as published
from bench.plausible.region import Region, simulate
from suwen.simulate.course import INPATIENT
from suwen.simulate.settings import Settings

PERSONS = 8_000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def region() -> Region:
    return simulate(Settings(hospitals=8, persons=PERSONS, years=2, seed=1, clean=True))


@pytest.fixture(scope="module")
def found(region: Region) -> dict[str, float]:
    return figures(region)


@pytest.fixture(scope="module")
def folder(region: Region, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plausibility, "simulate", lambda settings: region)
        assert plausibility.main(["--persons", str(PERSONS), "--folder", str(made)]) == 0
    return made


def _tables(page: str) -> list[dict[str, str]]:
    """The rows of all tables of a page by the names of their columns."""
    found, columns = [], list[str]()
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("|") else []
        if not cells:
            columns = []
        elif not columns:
            columns = cells
        elif not cells[0].startswith("---"):
            found.append(dict(zip(columns, cells, strict=True)))
    return found


def test_every_published_row_of_the_page_names_its_source(folder: Path) -> None:
    page = (folder / plausibility.PAGE).read_text("utf-8")
    told = [row for row in _tables(page) if "standing" in row and "what it means" not in row]
    assert {row["standing"] for row in told} == {PUBLISHED, DERIVED, INVENTED} and len(told) > 60
    for row in told:
        assert bool(re.search(r"\]\(https?://", row["source"])) == (row["standing"] != INVENTED), row
        assert row["standing"] == INVENTED or row.get("published", row.get("2019")), row
        assert row["standing"] != INVENTED or row["published"] == "", row
    assert [one.what for one in published()] == [row["figure"] for row in told if "figure" in row]


def test_the_page_shows_every_chart_and_every_chart_is_shown(folder: Path) -> None:
    shown = re.findall(r"!\[[^\]]{20,}\]\(([^)]+)\)", (folder / plausibility.PAGE).read_text("utf-8"))
    assert sorted(shown) == sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.svg")) and len(shown) == 11
    for path in folder.rglob("*.svg"):
        assert b"<dc:date>" not in path.read_bytes()


def test_the_page_of_the_repository_is_of_this_form(folder: Path) -> None:
    """The same headings and rows in the same order as the page kept in docs; the numbers are those of a larger region."""
    kept, made = ((where / plausibility.PAGE).read_text("utf-8") for where in (ROOT / "docs", folder))
    for shape in (r"^#+ .+$", r"^!\[.+$"):
        assert re.findall(shape, kept, re.MULTILINE) == re.findall(shape, made, re.MULTILINE)
    fixed = [[(row["figure"], row["published"], row["source"]) for row in _tables(page) if "figure" in row] for page in (kept, made)]
    assert fixed[0] == fixed[1]
    images = re.findall(r"\((images/[^)]+)\)", kept)
    assert images and all((ROOT / "docs" / image).is_file() for image in images)


def test_the_same_region_gives_the_same_files(region: Region, folder: Path, tmp_path: Path) -> None:
    charts_people.pyramid(region, tmp_path)
    charts_care.weeks(region, tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (folder / IMAGES / path.name).read_bytes()


def test_people_are_as_published_within_chance(region: Region, found: dict[str, float]) -> None:
    sex, age = at_start(region)
    aimed = {one.key: one.value for one in published()}
    for key in ("share_0_14", "share_15_59", "share_60", "share_65"):
        assert aimed[key] is not None and found[key] == pytest.approx(aimed[key], abs=4 * 50 / np.sqrt(len(age)))  # four standard errors at most
    assert found["share_0_14"] + found["share_15_59"] + found["share_60"] == pytest.approx(100)
    assert set(sex.tolist()) == {1, 2} and found["life_expectancy"] == pytest.approx(78.6, abs=2.5)


def test_years_lived_and_deaths_add_up_over_ages_and_sexes(region: Region) -> None:
    bands = [mortality(region, sex) for sex in (0, 1, 2)]
    assert sum(band.years for band in bands[0]) == pytest.approx(person_years(region))
    assert sum(band.deaths for band in bands[0]) == (region.person["died"] != -1).sum()
    for both, men, women in zip(*bands, strict=True):
        assert both.deaths == men.deaths + women.deaths and both.years == pytest.approx(men.years + women.years)


def test_costs_add_up_to_what_was_charged(region: Region, found: dict[str, float]) -> None:
    charged = int(region.visit["charged"].sum())
    open_ = int(region.visit["charged"][region.visit["end"] == -1].sum())
    assert int(region.fee.sum()) == charged and region.settled == charged - open_ and 0 < open_ < charged // 50
    drugs = [region.fees.index(code) for code in ("D23", "D23x01", "D24", "D25")]
    assert int(region.fee[:, drugs].sum()) == int(region.visit["drugs"].sum())
    sizes = [len(taken(region, (INPATIENT,), (level,))["visit"]) for level in (2, 3)]
    assert found["stay_hospital"] == pytest.approx((found["stay_2"] * sizes[0] + found["stay_3"] * sizes[1]) / sum(sizes))
    assert nights(taken(region, (INPATIENT,))).min() >= 0


def test_figures_come_near_those_the_simulator_follows(found: dict[str, float]) -> None:
    near = {"death_rate": 0.2, "outpatient_and_emergency": 0.2, "admissions": 0.2, "stay_hospital": 0.15, "visit_hospital": 0.2, "discharge_hospital": 0.2}
    aimed = {one.key: one.value for one in published()}
    for key, part in near.items():
        assert found[key] == pytest.approx(aimed[key], rel=part), key
    assert found["id_absent"] == pytest.approx(3, abs=1) and found["id_mistyped"] == pytest.approx(0.6, abs=0.3)
    assert found["cards_natural"] < found["cards"] and 85 < found["within_24_hours"] < 100


def test_the_well_lie_within_reference_intervals_and_the_ill_mostly_do_not(region: Region) -> None:
    items = list(measured(region))
    assert len(items) == 6
    for item in items:
        assert len(item.well) > 300 and 92 < item.inside(item.well) < 99.5, item.item
        assert len(item.ill) > 2 and item.inside(item.ill) < 65, item.item


def test_seasons_follow_the_reported_months(region: Region) -> None:
    by_name: dict[str, Reported] = {one.disease.name: one for one in reported(region)}
    for name in ("influenza", "hand, foot and mouth disease", "other infectious diarrhoea"):
        one = by_name[name]
        assert aimed_at(region, one.disease) == pytest.approx(one.disease.shares((2017, 2018, 2019)), abs=0.1)
        assert sum(one.months) == pytest.approx(100) and one.natural <= one.rate
    influenza = by_name["influenza"]
    assert influenza.natural_cards > 80 and sum(influenza.months[month] for month in (11, 0, 1)) > 40


def test_what_is_declared_is_whole() -> None:
    assert len({one.key for one in published()}) == len(published())
    assert {one.standing for one in published()} == {PUBLISHED, DERIVED, INVENTED}
    assert all(len(months) == 12 and min(months) > 0 for disease in diseases() for months in disease.months.values())
    assert sum(float(row["share"]) for row in rows("fertility")) == pytest.approx(100, abs=0.2)
    assert Disease("x", ("A09",), {2019: (14_000_500, *[0] * 11)}).rate(2019) == pytest.approx(1000)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"source": ""}, "a value and a source"),
        ({"standing": INVENTED}, "a value and a source"),
        ({"value": None}, "a value and a source"),
        ({"standing": "known"}, "no such standing"),
    ],
)
def test_a_figure_without_a_source_is_refused(changed: dict[str, object], message: str) -> None:
    whole = {"section": "people", "key": "k", "what": "w", "short": "", "unit": "%", "value": 1.0, "standing": PUBLISHED}
    whole |= {"source": "s", "year": "2020", "url": "https://example.org", "note": ""}
    Figure(**whole)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        Figure(**{**whole, **changed})  # type: ignore[arg-type]


def test_settings_that_cannot_be_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plausibility.main(["--persons", "0", "--folder", str(tmp_path)]) == 2
    assert "--persons" in capsys.readouterr().err and not list(tmp_path.iterdir())
