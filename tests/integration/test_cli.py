"""The command line from end to end on a small region: what each command prints, for people and for programs, and how mistakes end."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import suwen
from suwen.base.progress import Silent
from suwen.cli.main import main
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.model.cdm import TABLES
from tests.integration.small_region import TEMPLATE, deliver, make


class Suwen:
    """The command in one region: `ok` gives what was printed, `json` the value, `refused` the words on standard error."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(self, *words: object) -> tuple[int, str, str]:
        code = main([*map(str, words), "--region", str(self.folder)])
        told = self._capsys.readouterr()
        return code, told.out, told.err

    def ok(self, *words: object) -> str:
        code, out, err = self(*words)
        assert code == 0, err
        return out

    def json(self, *words: object) -> Any:
        return json.loads(self.ok(*words, "--json"))

    def refused(self, *words: object) -> str:
        before = self.contents()
        code, out, err = self(*words)
        assert (code, out) == (2, ""), (out, err)
        assert "Traceback" not in err and self.contents() == before
        return err

    def contents(self) -> dict[str, int]:
        """Every file of the region and its size, but for scratch folders and locks."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and not any(part.startswith(".") for part in path.relative_to(self.folder).parts))
        return {str(path): path.stat().st_size for path in files if path.name != "lock"}


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region with one release: deliveries 0 and 1 of the small system."""
    folder = tmp_path_factory.mktemp("small") / "region"
    make(folder)
    deliver(folder, [0, 1])
    assert main(["run", "--region", str(folder)]) == 0
    return folder


@pytest.fixture
def run_suwen(region: Path, capsys: pytest.CaptureFixture[str]) -> Suwen:
    return Suwen(region, capsys)


def test_the_whole_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = Suwen(tmp_path / "region", capsys)
    assert main(["new", str(at.folder), "--packs", "core,cn", "--name", "first", "--zone", "UTC"]) == 0
    assert "suwen feed add" in capsys.readouterr().out
    assert "nothing has been published" in at.refused("ledger")
    assert "organisations.csv" in at.ok("feed", "add", "lab", "--template", "synthea/csv", "--organisation", "H1", "--mode", "snapshot")
    assert at.json("feed", "list") == [{"feed": "lab", "template": "synthea/csv", "organisation": "H1", "mode": "snapshot", "as_of": "", "zone": "UTC"}]
    providers = Path(__file__).parents[2] / "examples" / "synthea" / "organizations.csv"
    landed = at.json("land", "lab", providers, "--as-of", "2024-01-31", "--sender", "me")
    assert (landed["number"], landed["as_of"], landed["mode"], landed["receipts"][0]["sender"]) == (1, "2024-01-31T00:00:00", "snapshot", "me")
    assert at.json("status")["feeds"][0]["waiting"] == 1
    report = at.json("run")
    rows = len(list(csv.DictReader(providers.read_text("utf-8").splitlines())))
    assert report["release"] == 1 and report["created"]["cdr/care_site"] == rows
    assert "nothing is new" in at.ok("run")
    assert at.json("query", "select count(*) as n from care_site") == [{"n": rows}]
    assert suwen.open(at.folder).table("care_site").num_rows == rows
    first = at.json("query", "select min(care_site_id) as care_site_id from care_site")[0]["care_site_id"]
    assert isinstance(first, str)
    traced = at.ok("trace", "care_site", first)
    assert "organizations.csv, line" in traced and "suwen/packs/core/template/synthea-csv.toml:" in traced


def test_status_says_what_is_there(run_suwen: Suwen) -> None:
    told = run_suwen.json("status")
    assert told["release"] == 1 and [feed["feed"] for feed in told["feeds"]] == ["his", "lab"]
    assert sum(feed["waiting"] for feed in told["feeds"]) == 0 and told["rows"]["cdr/person"] == 12
    assert "release 1" in run_suwen.ok("status")


def test_the_ledger_adds_up(run_suwen: Suwen) -> None:
    lines = run_suwen.json("ledger")
    assert {line["target"]: line["records"] for line in lines if line["kind"] == "visits"} == {"visit": 40, "visit_part": 40}
    for line in lines:
        assert sum(count for name, count in line.items() if name not in {"feed", "kind", "target", "records"}) == line["records"]
    moved = run_suwen.json("ledger", "--moves")
    assert sum(move["records"] for move in moved) == sum(line["records"] for line in lines) and {move["from_state"] for move in moved} == {""}
    assert "quarantined" in run_suwen.ok("ledger") and "(new)" in run_suwen.ok("ledger", "--moves")


def test_releases(run_suwen: Suwen) -> None:
    assert [found["release"] for found in run_suwen.json("releases")] == [1]
    assert "receipts through" in run_suwen.ok("releases")
    assert "there is no release 9" in run_suwen.refused("ledger", "--release", "9")


def test_the_quarantine_shows_reason_place_and_text(run_suwen: Suwen, tmp_path: Path) -> None:
    (found,) = run_suwen.json("quarantine", "list")
    assert (found["feed"], found["kind"], found["target"], found["code"], found["records"]) == ("lab", "results", "result", "MAP-010", 1)
    (shown,) = run_suwen.json("quarantine", "show")
    assert (shown["file"], shown["line"], shown["text"]) == ("results.csv", 63, "p1,v1,not a day,c,1")
    assert "results.csv, line 63" in run_suwen.ok("quarantine", "show", "--feed", "lab", "--code", "MAP-010")
    assert run_suwen.json("quarantine", "list", "--feed", "his") == [] and "no record of those asked for is quarantined" in run_suwen.ok(
        "quarantine", "list", "--feed", "his"
    )
    held = run_suwen.json("quarantine", "list", "--held")
    assert held and {group["state"] for group in held} == {"held"}
    assert len(run_suwen.json("quarantine", "show", "--held", "--limit", "2")) == 2
    run_suwen.ok("quarantine", "export", tmp_path / "back.csv")
    rows = list(csv.DictReader((tmp_path / "back.csv").read_text("utf-8-sig").splitlines()))
    assert [(row["file"], row["line"], row["code"], row["text"]) for row in rows] == [("results.csv", "63", "MAP-010", "p1,v1,not a day,c,1")]
    assert "writing failed" in run_suwen.refused("quarantine", "export", tmp_path / "nowhere" / "x.csv")


def test_answers_in_every_form(run_suwen: Suwen, tmp_path: Path) -> None:
    asked = "select person_id, year_of_birth, 1.5::decimal(18, 4) as d, [1, 2] as l, null::text as t from person order by 1 limit 2"
    rows = run_suwen.json("query", asked)
    assert [type(rows[0][name]) for name in ("person_id", "year_of_birth", "d", "l", "t")] == [str, int, float, list, type(None)]
    header, *lines = csv.reader(run_suwen.ok("query", asked, "--format", "csv").splitlines())
    assert (
        header == ["person_id", "year_of_birth", "d", "l", "t"]
        and [line[0] for line in lines] == [row["person_id"] for row in rows]
        and lines[0][3] == "[1, 2]"
    )
    run_suwen.ok("query", asked, "--format", "parquet", "--output", tmp_path / "a.parquet")
    assert [str(value) for value in pq.read_table(tmp_path / "a.parquet").column("person_id").to_pylist()] == [row["person_id"] for row in rows]
    run_suwen.ok("query", asked, "--format", "json", "--output", tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == rows
    assert "2 rows" in run_suwen.ok("query", asked)
    assert "the first 100 rows" in run_suwen.ok("query", "select r from range(101) t(r)")
    assert run_suwen.json("query", "select 1 as n where false") == []


ODD_TYPES = """select interval 3 days as i, time '12:00' as t, 'x'::blob as b, '123e4567-e89b-12d3-a456-426614174000'::uuid as u, {'a': 1} as s,
    map {'a': 1} as m, null as n, true as o, 1::utinyint as ut, timestamptz '2020-01-01 00:00:00+08' as tz, '101'::bit as bit,
    170141183460469231731687303715884105727::hugeint as h, 'a'::enum ('a', 'b') as e, date '2020-01-01' as d, 'infinity'::double as f"""


def test_answers_of_odd_types(run_suwen: Suwen, tmp_path: Path) -> None:
    (row,) = run_suwen.json("query", ODD_TYPES)
    assert (row["o"], row["b"], row["h"], row["f"], row["s"]) == (True, "78", "170141183460469231731687303715884105727", None, {"a": 1})
    header, line = csv.reader(run_suwen.ok("query", ODD_TYPES, "--format", "csv").splitlines())
    assert dict(zip(header, line, strict=True)) | {"b": "78", "o": "true", "s": '{"a": 1}', "n": ""} == dict(zip(header, line, strict=True))
    run_suwen.ok("query", ODD_TYPES, "--format", "parquet", "--output", tmp_path / "odd.parquet")
    assert pq.read_table(tmp_path / "odd.parquet").num_rows == 1
    assert "123e4567-e89b-12d3-a456-426614174000" in run_suwen.ok("query", ODD_TYPES)


def test_a_question_from_standard_input(run_suwen: Suwen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", __import__("io").StringIO("select 7 as n"))
    assert run_suwen.json("query", "-") == [{"n": 7}]


@pytest.mark.parametrize(
    "words",
    [
        ["query", "drop view omop.person"],
        ["query", "select * from read_csv('/etc/passwd')"],
        ["query", "select 1; select 2"],
        ["query", "select 1", "--format", "xml"],
        ["query", "select 1", "--format", "parquet"],
        ["query", "select 1", "--format", "table", "--output", "x"],
        ["query", "select cast(person_source_value as integer) from person"],
        ["query", "select nothing from person"],
        ["trace", "person", "1"],
        ["trace", "nothing", "1"],
        ["trace", "person", "9" * 5000],
        ["land", "nobody", "pyproject.toml"],
        ["land", "his", "nothing.csv"],
        ["land", "his", "pyproject.toml", "--as-of", "yesterday"],
        ["land", "his", "pyproject.toml", "--mode", "all"],
        ["land", "his", "pyproject.toml", "--window", "2024-01-01..2024-01-31"],
        ["land", "his", "pyproject.toml", "--mode", "window", "--window", "2024-02-01..2024-01-31"],
        ["feed", "add", "his", "--template", "small/csv", "--organisation", "H1"],
        ["feed", "add", "x", "--template", "small/cvs", "--organisation", "H1"],
        ["land", "his", "pyproject.toml", "--sender", "\udcff"],
        ["vocabulary", "show"],
        ["check", "nowhere"],
        ["vocabulary", "load", "nowhere"],
        ["vocabulary", "load", "tests"],
    ],
    ids=" ".join,
)
def test_mistakes_end_with_2_say_what_to_do_and_change_nothing(run_suwen: Suwen, words: list[str]) -> None:
    told = run_suwen.refused(*words)
    assert "to do:" in told or "expected:" in told
    assert "p1" not in told.split()
    assert json.loads(run_suwen.refused(*words, "--json"))["errors"][0]["what"]


def test_a_question_that_fails_leaves_the_file_as_it_was(run_suwen: Suwen, tmp_path: Path) -> None:
    late = "select case when r > 200000 then cast('x' || r as integer) else r end as n from range(300000) t(r)"
    for form in ("csv", "json", "parquet"):
        (tmp_path / "kept").write_text("kept")
        run_suwen.refused("query", late, "--format", form, "--output", tmp_path / "kept")
        run_suwen.refused("query", late, "--format", form, "--output", tmp_path / "new")
        assert [path.name for path in tmp_path.iterdir()] == ["kept"] and (tmp_path / "kept").read_text() == "kept"


@pytest.mark.parametrize("value", ["date '5000000-01-01'", "timestamp 'infinity'", "[date '0044-03-15 (BC)']", "timestamp_ns '2020-01-01 00:00:00.123456789'"])
def test_dates_that_cannot_be_shown_are_told(run_suwen: Suwen, value: str) -> None:
    for form in ("table", "json"):
        assert "cast it to text" in run_suwen.refused("query", f"select {value} as d", "--format", form)


def test_types_that_parquet_does_not_hold_are_told(run_suwen: Suwen, tmp_path: Path) -> None:
    told = run_suwen.refused("query", "select [interval 1 day] as d", "--format", "parquet", "--output", tmp_path / "a.parquet")
    assert "cast it to text" in told and not list(tmp_path.iterdir())


def test_a_damaged_vocabulary_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = Suwen(tmp_path / "region", capsys)
    make(at.folder)
    pointer = at.folder / "lake" / "vocabulary" / "current.json"
    pointer.parent.mkdir(parents=True)
    for content in ("", "[]", "{}", '{"hash": 1}', "[" * 100_000):
        pointer.write_text(content)
        assert "lake/vocabulary" in at.refused("vocabulary", "show")


def test_a_trace_for_programs(run_suwen: Suwen) -> None:
    row = run_suwen.json("query", "select measurement_id, measurement_source_value as code from measurement order by 1 limit 1")[0]
    found = run_suwen.json("trace", "measurement", row["measurement_id"], "--column", "measurement_source_value")
    assert found["id"] == row["measurement_id"] and [column["column"] for column in found["columns"]] == ["measurement_source_value"]
    place = found["records"][0]["place"]
    landed = (run_suwen.folder / place["object"]).read_bytes()
    assert landed[place["offset"] : place["offset"] + place["length"]] == bytes.fromhex(place["raw"])
    assert found["columns"][0]["sources"] == [{"record": 0, "column": "CODE", "text": row["code"]}]


def test_check_reads_the_packs_in_use(run_suwen: Suwen, tmp_path: Path) -> None:
    assert "small" in run_suwen.ok("check")
    assert run_suwen.json("check")["templates"] == ["small/csv"]


def test_check_outside_of_a_region_says_what_it_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--no-examples"]) == 0
    assert "there is no region here" in capsys.readouterr().out
    assert main(["check", "--region", "nowhere"]) == 2
    assert "there is no region.toml" in capsys.readouterr().err


def test_a_mended_template_takes_in_what_was_quarantined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = Suwen(tmp_path / "region", capsys)
    make(at.folder)
    deliver(at.folder, [0, 1])
    at.ok("run")
    template = at.folder / "packs" / "small" / "template" / "small.toml"
    broken = TEMPLATE.replace("number(VALUE)", "number(VALU)")
    template.write_text(broken, "utf-8")
    line = next(number for number, text in enumerate(broken.splitlines(), 1) if "number(VALU)" in text)
    assert f"small.toml:{line}: " in at.refused("check")
    template.write_text(TEMPLATE.replace("\"date_of(DAY, 'iso')\"", "\"coalesce(date_of(DAY, 'iso'), date_of('2024-01-01', 'iso'))\""), "utf-8")
    assert at.json("quarantine", "replay")["created"]["cdr/measurement"] >= 1
    assert at.json("quarantine", "list") == []
    assert "nothing was mended" in at.ok("quarantine", "replay")
    assert at.json("query", "select count(*) as n from measurement where measurement_source_value = 'c'", "--release", "1") == [{"n": 0}]
    assert at.json("query", "select count(*) as n from measurement where measurement_source_value = 'c'") == [{"n": 1}]


def test_an_empty_answer_about_quarantine_says_so(run_suwen: Suwen) -> None:
    for words in (["list"], ["show"]):
        assert run_suwen.ok("quarantine", *words, "--feed", "nowhere") == "no record of those asked for is quarantined\n"


def test_a_run_counts_files_that_cannot_be_read_and_says_what_it_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = Suwen(tmp_path / "region", capsys)
    make(at.folder)
    file = tmp_path / "notes.txt"
    file.write_text("not a table\n", "utf-8")
    at.ok("land", at.json("feed", "list")[0]["feed"], file, "--as-of", "2024-01-01")
    told = at.ok("run")
    assert "1 receipt with 1 record," in told and "not taken in by now: 1 quarantined\n" in told


def test_what_several_targets_keep_out_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Records without a key, and two visits of two patients who are not there."""
    at = Suwen(tmp_path / "region", capsys)
    make(at.folder)
    file = tmp_path / "visits.csv"
    file.write_text("ID,PATIENT,CAME,LEFT_ON,WARD,OP\n,p1,2024-01-01,2024-01-02,w,U\nv1,p8,2024-01-01,,w,U\nv2,p9,2024-01-01,,w,U\n", "utf-8")
    at.ok("land", "his", file, "--as-of", "2024-01-01")
    said = at.ok("run")
    assert "2 quarantined, 4 held" in said
    shown = at.ok("quarantine", "show")
    assert shown.count("line 2") == 1 and "KEY-001 for visit, visit_part\n" in shown
    assert len(at.json("quarantine", "show")) == 2
    heading, *lines = [line.split() for line in at.ok("quarantine", "list", "--held").splitlines()[:3]]
    assert heading == ["feed", "kind", "target", "code", "parents", "awaited", "records"]
    assert lines == [["his", "visits", target, "REF-001", "2", "2"] for target in ("visit", "visit_part")]


def test_a_run_names_its_last_steps(tmp_path: Path) -> None:
    make(tmp_path / "region")
    deliver(tmp_path / "region", [0])
    told: list[str] = []

    class Told(Silent):
        def start(self, step: str, total: int | None = None, unit: str = "rows") -> None:
            told.append(step)

    run(open_region(tmp_path / "region"), progress=Told())
    assert "balancing the books" in told and "publishing" in told
    assert not [step for step in told[told.index("publishing") + 1 :] if not step.startswith("writing")]


def test_a_value_read_in_several_forms_is_one_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = Suwen(tmp_path / "region", capsys)
    make(at.folder)
    (at.folder / "packs" / "small" / "template" / "small.toml").write_text(
        TEMPLATE.replace("year_of(date_of(BORN, 'iso'))", "year_of(coalesce(date_of(BORN, 'iso'), date_of(BORN, 'zh'), date_of(BORN, 'slash')))"), "utf-8"
    )
    file = tmp_path / "patients.csv"
    file.write_text("ID,BORN,SEX,OP\nq1,1980年2月29日,F,\nq2,someday,F,\nq3,1975/1/3,F,\n", "utf-8")
    at.ok("land", at.json("feed", "list")[0]["feed"], file, "--as-of", "2024-01-01")
    at.ok("run")
    found = at.json("query", "select code, column_name, records, examples from state.finding where kind = 'patients' order by all")
    assert found == [{"code": "MAP-010", "column_name": "year_of_birth", "records": 1, "examples": "[2]"}]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_reading_is_told_before_its_rows(tmp_path: Path, encoding: str) -> None:
    make(tmp_path / "region")
    template = tmp_path / "region" / "packs" / "small" / "template" / "small.toml"
    template.write_text(TEMPLATE.replace('"utf-8"', f'"{encoding}"'), "utf-8")
    deliver(tmp_path / "region", [0])
    told: list[object] = []

    class Told(Silent):
        def start(self, step: str, total: int | None = None, unit: str = "rows") -> None:
            told.append(step)

        def advance(self, amount: int) -> None:
            told.append(amount)

    run(open_region(tmp_path / "region"), progress=Told())
    assert str(told[0]).startswith("reading") and isinstance(told[1], int)


def test_every_command_reads_its_region_from_the_current_folder(region: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(region)
    for words in (["status"], ["ledger"], ["releases"], ["feed", "list"], ["quarantine", "list"], ["check"], ["query", "select 1"]):
        assert main(words) == 0, words
    assert capsys.readouterr().out


def test_a_vocabulary_is_loaded_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = Suwen(tmp_path / "region", capsys)
    make(at.folder)
    folder = tmp_path / "athena"
    folder.mkdir()
    files = {
        "CONCEPT": ["1\tA\tDrug\tLocal\tAct\tS\tA1\t19700101\t20991231\t"],
        "CONCEPT_RELATIONSHIP": ["1\t1\tMaps to\t19700101\t20991231\t"],
        "VOCABULARY": ["None\tOMOP\t\tv5 test\t0"],
    }
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join(["\t".join(TABLES[name.lower()].row_columns), *lines]) + "\n", "utf-8")
    loaded = at.json("vocabulary", "load", folder)
    assert loaded["name"] == "v5 test" and loaded["rows"]["concept"] == 1
    assert at.json("vocabulary", "show") == loaded
    assert "v5 test" in at.ok("vocabulary", "show")
    (folder / "CONCEPT.csv").write_text("nonsense\n", "utf-8")
    assert "CONCEPT" in at.refused("vocabulary", "load", folder)
    assert at.json("vocabulary", "show") == loaded
