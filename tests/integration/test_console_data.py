"""What pages are made from, apart from HTML: uses and filling of source columns, a human's history, balances of a release, search."""

from __future__ import annotations

import csv
import itertools
from collections import Counter

import pytest

from suwen.engine.releases import Releases
from suwen.flow import ledger
from suwen.flow.coverage import coverage
from suwen.flow.history import history, organisations_of
from suwen.flow.reader import OpenRelease
from suwen.flow.region import region_packs
from suwen.flow.source_columns import uses
from suwen.govern.policy.tree import Tree
from suwen.packs.loader import load_packs
from suwen.serve.console.finding import search
from suwen.serve.console.ledger_page import record_balances, table_balances
from suwen.serve.console.lineage_page import kind_maps
from tests.integration.served import Served


def test_uses_of_source_columns_as_the_template_reads() -> None:
    used = uses(load_packs(["cn"]).templates["yunhai-his/export"])
    assert {(one.table, one.column) for one in used["patients", "XM"]} == {("ext_person_identifier", "value"), ("ext_person_identifier", "filter")}
    assert {one.column for one in used["departments", "KSDM"]} >= {"key", "care_site_source_value"}
    assert any((one.table, one.column) == ("care_site", "care_site_name") for one in used["departments", "KSMC"])
    assert {one.column for one in used["stays", "GXSJ"]} == {"version"}
    assert {one.table for one in used["stay_diagnoses", "QTZDDM1"]} == {"condition_occurrence"}
    assert used["registrations", "FB"] == ()
    assert all(one.column != "id" for one in used["outpatient_diagnoses", "ZDMC"])  # a record without a key is known by its content: no use of a column


def test_a_map_of_a_template_has_each_column_once_and_tables_apart() -> None:
    template = load_packs(["cn"]).templates["yunhai-his/export"]
    for one in kind_maps(template):
        names = [column.name for column in one.columns] + list(one.unused)
        assert sorted(names) == sorted((*one.kind.columns, *one.kind.optional))
        heights = [end.y for end in one.tables]
        assert all(after - before >= 21.9 for before, after in itertools.pairwise(heights))


@pytest.fixture(scope="module")
def opened(served: Served) -> OpenRelease:
    return OpenRelease(served.region)


def test_columns_are_filled_as_often_as_the_file_says(served: Served, opened: OpenRelease) -> None:
    packs = region_packs(served.region)
    feed = next(one for one in served.region.feeds.values() if one.name == "h0001-his")
    template = packs.templates[feed.template]
    covered = {one.kind: one for one in coverage(opened, feed.name, template)}
    kind = template.kinds["departments"]
    path = next(path for path in sorted((served.folder / "exports" / "H0001" / "his").rglob("*")) if path.is_file() and path.match(kind.files[0]))
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(
            csv.DictReader(lines, delimiter=template.reader.delimiter or ",", quoting=csv.QUOTE_NONE if template.reader.quote == "none" else csv.QUOTE_MINIMAL)
        )
    counted = Counter(name for row in rows for name, value in row.items() if value)
    assert covered["departments"].records == len(rows)
    assert {one.column: one.filled for one in covered["departments"].columns} == {name: counted[name] for name in rows[0]}


def test_a_history_holds_every_visit_of_every_linked_patient(opened: OpenRelease) -> None:
    links = opened.table("ext.ext_person_link").to_pylist()
    masters = Counter(row["master_person_id"] for row in links)
    master, number = masters.most_common(1)[0]
    members = {row["person_id"] for row in links if row["master_person_id"] == master}
    found = history(opened, max(members), organisations_of(opened))
    assert (found.master, len(found.patients), number) == (master, number, len(members))
    visits = [row for row in opened.table("cdr.visit_occurrence").to_pylist() if row["person_id"] in members]
    assert sorted(one.visit_id for one in found.visits) == sorted(row["visit_occurrence_id"] for row in visits)
    assert [one.start for one in found.visits] == sorted(one.start for one in found.visits)
    measured = Counter(row["visit_occurrence_id"] for row in opened.table("cdr.measurement").to_pylist())
    assert all(one.counts.get("measurement", 0) == measured[one.visit_id] for one in found.visits)


def test_both_balances_come_out(served: Served, opened: OpenRelease) -> None:
    whole, each = record_balances(ledger.totals(opened))
    assert whole.received == sum(whole.states.values()) == sum(one.received for one in each)
    releases = Releases(served.region.releases)
    tables = table_balances(releases.get(1), None)
    assert tables and all(one.holds for one in tables)
    assert {one.table: one.after for one in tables}["person"] == opened.table("cdr.person").num_rows


def test_search_finds_what_is_named_and_only_what_is_open(served: Served) -> None:
    packs, tree = region_packs(served.region), Tree(served.region.history, served.region.history[-1].valid_from)
    every = frozenset(tree.organisations)
    hits = search("sv01", packs, tree, every, served.region, "en", feeds=every)
    assert (hits[0].what, hits[0].key) == ("indicator", "SV01")
    assert [hit.key for hit in search("H0002", packs, tree, frozenset({"H0001"}), served.region, "en", feeds=frozenset({"H0001"}))] == []
    assert any(hit.what == "feed" for hit in search("h0001", packs, tree, every, served.region, "zh", feeds=every))
    assert not any(hit.what == "feed" for hit in search("h0001", packs, tree, every, served.region, "zh", feeds=frozenset({"H0002"})))
    kinds = [hit.what for hit in search("re", packs, tree, every, served.region, "en", feeds=every)]
    assert kinds == sorted(kinds, key=("indicator", "organisation", "feed", "template", "word").index), "words come last"
    assert {"indicator", "word"} <= set(kinds)
    assert search("  ", packs, tree, every, served.region, "en", feeds=every) == []
