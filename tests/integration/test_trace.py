"""Every row of both example regions is led back to bytes in which a parser that is not ours finds the source text of every column."""

import csv
import gzip
import hashlib
import io
from collections import defaultdict
from pathlib import Path

import pytest

from suwen.base.errors import SuwenError
from suwen.flow.inputs import Input
from suwen.flow.land import land
from suwen.flow.periods import SOURCES
from suwen.flow.places import RecordPlace
from suwen.flow.reader import OpenRelease
from suwen.flow.run import run
from suwen.flow.trace import Trace, trace, trace_many
from suwen.model.cdm import TABLES
from suwen.model.receipt import Mode
from tests.integration.example_regions import HOSPITAL, RECEIVED, SYNTHEA, hospital, synthea
from tests.integration.small_region import PATIENTS, make

# Columns whose value is the source's text as it stands.
VERBATIM = ("person_source_value", "condition_source_value", "drug_source_value", "measurement_source_value", "observation_source_value", "provider_name")


@pytest.fixture(scope="module")
def of_synthea(tmp_path_factory: pytest.TempPathFactory) -> OpenRelease:
    return synthea(tmp_path_factory.mktemp("synthea") / "region")


@pytest.fixture(scope="module")
def of_hospital(tmp_path_factory: pytest.TempPathFactory) -> OpenRelease:
    return hospital(tmp_path_factory.mktemp("hospital") / "region")


def tables(opened: OpenRelease) -> list[str]:
    """The tables that hold rows mapped from records."""
    held = [name.split("/", 1)[1] for name in opened.release.tables if name.startswith(("cdr/", "ext/")) and opened.release.tables[name].rows]
    return [
        name
        for name in held
        if name not in {"cdm_source", "source_to_concept_map", "ext_organisation", "ext_person_link", "observation_period", "condition_era"}
    ]


class Originals:
    """The files as they were before they landed, read by Python alone."""

    def __init__(self, files: list[Path], encoding: str, delimiter: str, quoting: int) -> None:
        self.encoding, self.options = encoding, {"delimiter": delimiter, "quoting": quoting}
        self.by_sha256: dict[str, bytes] = {}
        for path in files:
            raw = path.read_bytes()
            self.by_sha256[hashlib.sha256(raw).hexdigest()] = gzip.decompress(raw) if path.suffix == ".gz" else raw

    def record(self, place: RecordPlace) -> dict[str, str]:
        """The record at a place as column -> text, by the csv module; its bytes are those that the trace gave."""
        whole = self.by_sha256[place.object.rsplit("/", 1)[1]]
        assert whole[place.offset : place.offset + place.length] == place.raw
        assert whole[: place.offset].count(b"\n") + 1 == place.line
        header, *rows = csv.reader(io.StringIO((whole.split(b"\n", 1)[0] + b"\n" + place.raw).decode(self.encoding), newline=""), **self.options)
        assert len(rows) == 1, "the bytes are exactly one record"
        return dict(zip(header, rows[0], strict=True))


def checked(found: Trace, originals: Originals) -> int:
    """Hold one trace against the originals; gives the number of source texts found."""
    records = [originals.record(one.place) for one in found.records]
    assert records and found.records[0].role == "source"
    assert (found.records[0].place.receipt, found.records[0].place.record) == (found.row["_receipt"], found.row["_record"])
    count = 0
    for column in found.columns:
        for source in column.sources:
            # a column that the file does not have has no text
            assert records[source.record].get(source.column, "") == (source.text or "")
            count += source.text is not None
        if column.column in VERBATIM and column.value is not None and column.sources and not column.how:
            assert [s.text for s in column.sources if s.text] == [column.value], column
    return count


def mapped(opened: OpenRelease) -> tuple[int, list[Trace]]:
    found = [one for name in tables(opened) for one in trace_many(opened, f"cdr.{name}" if name in TABLES else name)]
    return sum(opened.release.tables[f"{'cdr' if name in TABLES else 'ext'}/{name}"].rows for name in tables(opened)), found


def test_every_row_of_synthea_traces_to_its_bytes(of_synthea: OpenRelease) -> None:
    originals = Originals(sorted(SYNTHEA.glob("*.csv")), "utf-8", ",", csv.QUOTE_MINIMAL)
    rows, found = mapped(of_synthea)
    assert len(found) == rows > 4_000
    assert sum(checked(one, originals) for one in found) > 20_000
    for one in found:
        told = {column.column for column in one.columns}
        zero = {name for name, value in one.row.items() if value == 0 and name.endswith("concept_id")}  # a concept that nobody tells
        assert {name for name, value in one.row.items() if value is not None and not name.startswith("_")} <= told | zero


def test_every_row_of_the_hospital_traces_to_its_bytes(of_hospital: OpenRelease) -> None:
    originals = Originals([path for path in HOSPITAL.glob("day*/*/*")], "gb18030", "|", csv.QUOTE_NONE)
    rows, found = mapped(of_hospital)
    assert len(found) == rows > 500
    assert sum(checked(one, originals) for one in found) > 3_000
    assert any(one.place.codec == "gzip" for row in found for one in row.records)
    assert {record.role for row in found for record in row.records} == {"source", "stay", "visit"}


def test_the_rows_of_one_record_name_their_own_columns(of_hospital: OpenRelease) -> None:
    """One line of diagnoses becomes several rows: each names the columns of its own place in the line."""
    columns = defaultdict(set)
    for one in trace_many(of_hospital, "condition_occurrence"):
        if one.records[0].place.kind == "stay_diagnoses":
            columns[one.records[0].place.record].update(s.column for c in one.columns if c.column == "condition_source_value" for s in c.sources)
            codes = [c for c in one.columns if c.column == "condition_source_value"]
            assert len(codes) == 1 and [s.text for s in codes[0].sources] == [one.row["condition_source_value"]]
    assert {"ZYZDDM", "QTZDDM1"} <= set().union(*columns.values())


def test_a_joined_parent_is_the_one_that_holds(of_hospital: OpenRelease) -> None:
    """The visit was corrected across midnight: what takes its time from it names the corrected line."""
    stays = of_hospital.query("select visit_occurrence_id, _receipt, _record from cdr.visit_occurrence").to_pylist()
    current = {row["visit_occurrence_id"]: (row["_receipt"], row["_record"]) for row in stays}
    seen = 0
    for name in ("condition_occurrence", "drug_exposure", "procedure_occurrence"):
        for one in trace_many(of_hospital, name):
            for record in one.records[1:]:
                if one.row["visit_occurrence_id"] in current and current[one.row["visit_occurrence_id"]] == (record.place.receipt, record.place.record):
                    seen += 1
                else:
                    assert one.row["visit_occurrence_id"] is None or name == "drug_exposure", (name, record.role)
    assert seen > 100


@pytest.mark.parametrize("region", ["of_synthea", "of_hospital"])
def test_derived_rows_trace_to_all_their_inputs(region: str, request: pytest.FixtureRequest) -> None:
    opened: OpenRelease = request.getfixturevalue(region)
    expected = defaultdict(set)
    for name in SOURCES:
        found = opened.table(f"cdr.{name}")
        for person, row_id in zip(found.column("person_id").to_pylist(), found.column(TABLES[name].id_column).to_pylist(), strict=True):
            expected[person].add((name, row_id))
    periods = list(trace_many(opened, "observation_period"))
    assert len(periods) == opened.release.tables["cdr/observation_period"].rows
    for one in periods:
        assert {(found.table, found.id) for found in one.inputs} == expected[one.row["person_id"]] and not one.records
    identifiers = defaultdict(set)
    for row in opened.table("ext.ext_person_identifier").to_pylist():
        identifiers[row["person_id"]].add(Input("ext_person_identifier", row["person_identifier_id"]))
    links = list(trace_many(opened, "ext_person_link"))
    assert len(links) == opened.table("cdr.person").num_rows
    assert all(set(one.inputs) == {Input("person", one.row["person_id"])} | identifiers[one.row["person_id"]] for one in links)


def test_one_row_and_one_column(of_hospital: OpenRelease) -> None:
    row = of_hospital.query("select person_id, year_of_birth from person order by 1 limit 1").to_pylist()[0]
    found = trace(of_hospital, "person", str(row["person_id"]), "year_of_birth")
    assert [column.column for column in found.columns] == ["year_of_birth"]
    (column,) = found.columns
    assert column.value == row["year_of_birth"] and column.place.startswith("suwen/packs/cn/template/yunhai-his.toml:")
    assert [source.column for source in column.sources] == ["CSRQ"] and str(column.sources[0].text).startswith(str(row["year_of_birth"]))
    line = (Path(__file__).parents[2] / "src" / column.place.rsplit(":", 1)[0]).read_text("utf-8").splitlines()[int(column.place.rsplit(":", 1)[1]) - 1]
    assert column.expression in line


@pytest.mark.parametrize(
    ("table", "row_id", "column", "said"),
    [
        ("persn", "1", "", "there is no table"),
        ("person", "1", "", "no row with the id 1"),
        ("person", "one", "", "is not an id"),
        ("person", "1", "name", "has no column name"),
        ("concept", "1", "", "do not come from source records"),
        ("state.ledger", "1", "", "do not come from source records"),
        ("fact_relationship", "1", "", "no column that identifies"),
    ],
)
def test_what_cannot_be_traced_is_said(of_hospital: OpenRelease, table: str, row_id: str, column: str, said: str) -> None:
    with pytest.raises(SuwenError, match=said):
        trace(of_hospital, table, row_id, column)


def test_a_row_of_several_sources_names_them_all(tmp_path: Path) -> None:
    """Two feeds of one organisation tell of the same person: each column names what both say."""
    region = make(tmp_path / "region")
    for feed, line in (("his", "p1,1980-05-01,,U"), ("lab", "p1,1980-05-01,F,U")):
        path = tmp_path / feed / "patients.csv"
        path.parent.mkdir()
        path.write_text(f"{PATIENTS}\n{line}\n", encoding="utf-8")
        land(region, feed, [path], mode=Mode.UPSERT, received_at=RECEIVED)
    run(region)
    opened = OpenRelease(region)
    (found,) = trace_many(opened, "person")
    assert sorted(record.place.feed for record in found.records) == ["his", "lab"]
    told = [source.text for column in found.columns if column.column == "gender_concept_id" for source in column.sources]
    assert sorted(told, key=str) == ["F", None]
