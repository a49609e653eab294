"""What a reader of a release sees: whole releases, published columns, open stays, references to rows that are absent."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from suwen.base.errors import SuwenError
from suwen.engine.delta import LakeTable, NewFile, arrow_type
from suwen.engine.duck import Engine
from suwen.engine.releases import Releases
from suwen.engine.sql import statement, table
from suwen.flow.reader import OpenRelease
from suwen.flow.views import names
from suwen.model import state
from suwen.model.cdm import TABLES
from suwen.model.extension import ALL_TABLES
from suwen.model.region import Region, Settings
from suwen.model.release import Release, TableState
from suwen.repository.rows import stored_columns
from suwen.repository.vocabulary_files import schema

STAY = {"visit_concept_id": 9201, "visit_start_date": date(2024, 4, 1), "_receipt": 1, "_record": 1, "_template": "t:1", "_run": 1}
VISITS = [
    {"visit_occurrence_id": 1, "person_id": 11, "visit_type_concept_id": 32817, "visit_end_date": date(2024, 4, 3), "provider_id": 5} | STAY,
    {"visit_occurrence_id": 2, "person_id": 11, "visit_type_concept_id": 32220, "visit_end_date": None, "provider_id": 6} | STAY,
    {"visit_occurrence_id": 3, "person_id": 12, "visit_type_concept_id": 32220, "visit_end_date": None, "preceding_visit_occurrence_id": 1}
    | STAY
    | {"_receipt": 2},
    {"visit_occurrence_id": 4, "person_id": 12, "visit_type_concept_id": 32817, "visit_end_date": None, "preceding_visit_occurrence_id": 99} | STAY,
]
PROVIDER = {"provider_id": 5, "_receipt": 1, "_record": 1, "_template": "t:9", "_run": 1}


class Lake:
    """A region made by hand: rows put into tables, and releases over them."""

    def __init__(self, folder: Path) -> None:
        self.region = Region(folder, "r", "UTC", (), Settings(1, "512MiB"), folder / "lake", folder / "landing", {}, {})
        self.versions: dict[str, TableState] = {}
        self.number = 0

    def put(self, name: str, rows: list[dict[str, Any]]) -> None:
        """A new version of a table with exactly these rows."""
        group, plain = name.split("/")
        columns: Mapping[str, str] = state.TABLES[name] if group == "state" else stored_columns(ALL_TABLES[plain])
        lake_table = LakeTable(self.region.lake / group / plain, columns)
        base = lake_table.version()
        path = lake_table.new_path("0", f"{self.number}-{base}-{len(rows)}")
        data = pa.Table.from_pylist(rows, schema=pa.schema([pa.field(n, arrow_type(t)) for n, t in columns.items()]))
        engine = Engine(threads=1, memory="512MiB", scratch=self.region.scratch)
        engine.register("data", data)
        written = engine.copy(statement("select * from {d}", d=table("data")), path)
        version = lake_table.commit(base, [NewFile(written, "0")], lake_table.files(), application=f"{name}-{base}")
        self.versions[name] = TableState(version, len(rows), "0")

    def publish(self, vocabulary: str = "", dangling: Mapping[str, int] = {}, through: int = 2) -> OpenRelease:
        self.number += 1
        as_of = {"h1": "2024-04-30", "h2": "2024-05-02T08:00:00"}
        release = Release(
            number=self.number, run=self.number, published_at="2024-05-02T17:00:00+00:00", receipts_through=through, receipts_held=through,
            tables=dict(self.versions), totals={}, mapped_with={}, packs={}, readers={}, vocabulary=vocabulary, functions="", cells_sha256="",
            dangling=dict(dangling), as_of=as_of,
        )  # fmt: skip
        Releases(self.region.releases).publish(release)
        return OpenRelease(self.region)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


@pytest.fixture
def landed(lake: Lake) -> Lake:
    """Receipt 1 and 3 of feed h1, receipt 2 of feed h2; the newest day of h1 is that of receipt 1."""
    came = {"organisation": "o", "received_at": datetime(2024, 5, 3), "bytes": 1, "records": 1}
    moments = {1: ("h1", datetime(2024, 4, 30)), 2: ("h2", datetime(2024, 5, 2, 8)), 3: ("h1", datetime(2024, 3, 31))}
    lake.put("state/receipt", [{"receipt": n, "feed": feed, "delivery": n, "as_of": as_of} | came for n, (feed, as_of) in moments.items()])
    return lake


def test_before_the_first_release_it_says_what_to_do(lake: Lake) -> None:
    with pytest.raises(SuwenError, match="nothing has been published"):
        OpenRelease(lake.region)
    with pytest.raises(SuwenError, match="no release 7"):
        OpenRelease(lake.region, 7)


def test_every_table_can_be_read_though_nothing_is_in_it(lake: Lake) -> None:
    opened = lake.publish()
    for name in TABLES:
        found = opened.table(name)
        assert found.num_rows == (name == "cdm_source") and tuple(found.schema.names) == TABLES[name].row_columns
        assert [field.type for field in found.schema] == [arrow_type(str(c.type)) for c in TABLES[name].columns]
    with opened.guarded() as connection:
        for name in names():
            assert connection.arrow(f"select * from {name}").num_rows == (name == "omop.cdm_source")


def test_a_release_says_what_it_is(lake: Lake) -> None:
    (said,) = lake.publish().table("cdm_source").to_pylist()
    assert said == {
        "cdm_source_name": "r",
        "cdm_source_abbreviation": "r",
        "cdm_holder": "r",
        "source_description": "feeds: h1, h2",
        "source_documentation_reference": None,
        "cdm_etl_reference": "Suwen, release 1",
        "source_release_date": date(2024, 5, 2),
        "cdm_release_date": date(2024, 5, 2),
        "cdm_version": "5.4",
        "cdm_version_concept_id": 756265,
        "vocabulary_version": "none",
    }
    elsewhere = OpenRelease(replace(lake.region, zone="Asia/Shanghai")).table("cdm_source").to_pylist()[0]
    assert elsewhere["cdm_release_date"] == date(2024, 5, 3), "published at one in the morning there"


def test_omop_shows_the_published_columns_and_cdr_the_stored_ones(landed: Lake) -> None:
    landed.put("cdr/provider", [PROVIDER])
    opened = landed.publish()
    assert tuple(opened.table("provider").schema.names) == TABLES["provider"].row_columns
    assert opened.table("cdr.provider").schema.names == [*TABLES["provider"].row_columns, "_receipt", "_record", "_template", "_run"]
    assert opened.table("omop.provider").column("provider_id").to_pylist() == [5]
    assert [batch.num_rows for batch in opened.batches("provider")] == [1]


def test_an_open_stay_ends_on_the_last_day_of_its_feed(landed: Lake) -> None:
    landed.put("cdr/visit_occurrence", VISITS)
    ends = landed.publish().query("select visit_occurrence_id as id, visit_end_date from omop.visit_occurrence order by 1").to_pylist()
    # 4 has no end but is no open stay: its end is unknown
    assert [row["visit_end_date"] for row in ends] == [date(2024, 4, 3), date(2024, 4, 30), date(2024, 5, 2), None]
    assert landed.publish().table("cdr.visit_occurrence").column("visit_end_date").null_count == 3


def test_an_optional_reference_is_null_while_its_row_is_absent(landed: Lake) -> None:
    landed.put("cdr/visit_occurrence", VISITS)
    landed.put("cdr/provider", [PROVIDER])
    asked = "select visit_occurrence_id, provider_id, preceding_visit_occurrence_id from visit_occurrence order by 1"
    kept = landed.publish().query(asked)
    assert kept.column("provider_id").to_pylist() == [5, 6, None, None] and kept.column("preceding_visit_occurrence_id").to_pylist() == [None, None, 1, 99]
    dangling = {"visit_occurrence.provider_id": 1, "visit_occurrence.preceding_visit_occurrence_id": 1, "visit_occurrence.care_site_id": 0}
    shown = landed.publish(dangling=dangling)
    assert shown.query(asked).column("provider_id").to_pylist() == [5, None, None, None]
    assert shown.query(asked).column("preceding_visit_occurrence_id").to_pylist() == [None, None, 1, None]
    assert shown.table("visit_occurrence").sort_by("visit_occurrence_id").column("provider_id").to_pylist() == [5, None, None, None]
    assert shown.table("cdr.visit_occurrence").sort_by("visit_occurrence_id").column("provider_id").to_pylist() == [5, 6, None, None]


def test_a_reference_into_an_empty_table_is_null_everywhere(landed: Lake) -> None:
    landed.put("cdr/visit_occurrence", VISITS)
    opened = landed.publish(dangling={"visit_occurrence.provider_id": 2})
    assert opened.table("visit_occurrence").column("provider_id").null_count == 4


def test_an_old_release_stays_as_it_was(landed: Lake) -> None:
    landed.put("cdr/provider", [PROVIDER])
    first = landed.publish()
    landed.put("cdr/provider", [PROVIDER, PROVIDER | {"provider_id": 6}])
    assert OpenRelease(landed.region).table("provider").num_rows == 1, "a commit without a release is not seen"
    second = landed.publish()
    assert (first.table("provider").num_rows, second.table("provider").num_rows) == (1, 2)
    assert OpenRelease(landed.region, 1).table("provider").num_rows == 1


def test_the_vocabulary_is_that_of_the_release(lake: Lake) -> None:
    folder = lake.region.vocabulary / "abc"
    folder.mkdir(parents=True)
    concept = {"concept_id": 8507, "concept_name": "MALE", "domain_id": "Gender", "vocabulary_id": "Gender", "concept_class_id": "Gender", "concept_code": "M"}
    dates = {"valid_start_date": date(1970, 1, 1), "valid_end_date": date(2099, 12, 31)}
    pq.write_table(pa.Table.from_pylist([concept | dates], schema=schema(TABLES["concept"])), folder / "concept.parquet")
    assert lake.publish().table("concept").num_rows == 0
    assert lake.publish(vocabulary="abc").table("concept").column("concept_name").to_pylist() == ["MALE"]
    with pytest.raises(SuwenError, match="vocabulary that is not here"):
        lake.publish(vocabulary="gone").table("concept")


def test_state_and_extension_tables_are_read_by_schema(lake: Lake) -> None:
    lake.put("state/ledger", [{"run": 1, "feed": "h1", "kind": "k", "target": "t", "receipt": 1, "from_state": "", "to_state": "mapped", "records": 3}])
    organisation = {"organisation_id": "A", "valid_from": date(1900, 1, 1), "_receipt": 0, "_record": 0, "_template": "", "_run": 1}
    lake.put("ext/ext_organisation", [organisation])
    opened = lake.publish()
    assert opened.query("select sum(records)::int as n from state.ledger").to_pylist() == [{"n": 3}]
    assert opened.table("ext_organisation").column("organisation_id").to_pylist() == ["A"]


def test_decimals_stay_exact(lake: Lake) -> None:
    row = {"measurement_id": 2**62, "value_as_number": Decimal("0.10000001"), "_receipt": 1, "_record": 1, "_template": "", "_run": 1}
    lake.put("cdr/measurement", [row])
    found = lake.publish().table("measurement").to_pylist()[0]
    assert found["value_as_number"] == Decimal("0.10000001") and found["measurement_id"] == 2**62


@pytest.mark.parametrize("name", ["nothing", "omop.nothing", "cdr.concept", "x.y.z", "", "state/ledger", "omop.person; drop"])
def test_an_unknown_table_is_named(lake: Lake, name: str) -> None:
    with pytest.raises(SuwenError, match="there is no table"):
        lake.publish().table(name)


def test_what_is_asked_is_read_only(landed: Lake) -> None:
    landed.put("cdr/provider", [PROVIDER])
    opened = landed.publish()
    with pytest.raises(SuwenError):
        opened.query("delete from omop.provider")
    assert opened.table("provider").num_rows == 1
