"""What was not taken in, and why: groups of records by reason, each record with its place and bytes, and an export to send back.

Mending a template or a map and running again is how quarantined records are replayed; there is no second way in.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from suwen.base.atomic import written_whole
from suwen.base.system import explained
from suwen.engine.sql import Tree, col, compared, conjunction, in_texts, integer, statement, text
from suwen.flow.places import Places, RecordPlace
from suwen.flow.reader import OpenRelease
from suwen.flow.region import region_packs
from suwen.model.finding import FINDINGS, describe

QUARANTINED, HELD = "quarantined", "held"
EXPORTED = ("feed", "file", "member", "line", "receipt", "record", "kind", "target", "state", "code", "about", "reason", "text")


@dataclass(frozen=True)
class Wanted:
    """Which records: of a feed, kind, code or receipt ("" or 0: of any), quarantined unless `states` says otherwise."""

    feed: str = ""
    kind: str = ""
    code: str = ""
    receipt: int = 0
    states: Sequence[str] = (QUARANTINED,)


@dataclass(frozen=True)
class Group:
    """Records of one feed, kind and target not mapped for one reason; `about`: the column, parent or file concerned."""

    feed: str
    kind: str
    target: str
    state: str
    code: str
    about: str
    records: int
    reason: str


@dataclass(frozen=True)
class Kept:
    """One such record; `place` is None for a file that could not be read at all (record 0)."""

    feed: str
    kind: str
    target: str
    receipt: int
    record: int
    state: str
    code: str
    about: str
    reason: str
    file: str
    place: RecordPlace | None


def groups(opened: OpenRelease, wanted: Wanted) -> list[Group]:
    """The reasons and how many records each holds back, the most frequent first."""
    counted = statement(
        """select feed, kind, target, state, coalesce(code, '') as code, coalesce(detail, '') as about, count(*)::BIGINT as records
        from {rows} r group by all order by records desc, feed, kind, target, code, about""",
        rows=_chosen(opened, wanted),
    )
    return [Group(**row, reason=reason_of(row["code"])) for row in opened.ask(counted).to_pylist()]


def records(opened: OpenRelease, wanted: Wanted, limit: int = 2**63 - 1) -> Iterator[Kept]:
    """The records with their places, by receipt and record."""
    ordered = statement(
        """select feed, kind, target, receipt, record, state, coalesce(code, '') as code, coalesce(detail, '') as about
        from {rows} r order by receipt, record, target limit {limit}""",
        rows=_chosen(opened, wanted),
        limit=limit,
    )
    places, templates = Places(opened.region), region_packs(opened.region).templates
    for receipt, rows in groupby(opened.ask(ordered).to_pylist(), key=itemgetter("receipt")):
        arrived, of_receipt = places.receipt(receipt), list(rows)
        feed = opened.region.feeds.get(arrived.feed)
        template = templates.get(feed.template) if feed else None
        numbers = [row["record"] for row in of_receipt if row["record"]]
        located = {place.record: place for place in places.find(template, receipt, numbers)} if template and numbers else {}
        for row in of_receipt:
            yield Kept(**row, reason=reason_of(row["code"]), file=arrived.name, place=located.get(row["record"]))


def export(opened: OpenRelease, wanted: Wanted, path: Path) -> int:
    """Write the records as CSV (UTF-8, with the text as it arrived), to be sent back to who delivered them; gives their number."""
    written = 0
    with explained(path), written_whole(path) as aside, aside.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, EXPORTED)
        writer.writeheader()
        for kept in records(opened, wanted):
            writer.writerow(as_row(kept))
            written += 1
    return written


def as_row(kept: Kept) -> Mapping[str, object]:
    """A record as a flat row, by the names in `EXPORTED`."""
    place = kept.place
    return {
        "feed": kept.feed,
        "file": kept.file,
        "member": place.member if place else "",
        "line": place.line if place else "",
        "receipt": kept.receipt,
        "record": kept.record,
        "kind": kept.kind,
        "target": kept.target,
        "state": kept.state,
        "code": kept.code,
        "about": kept.about,
        "reason": kept.reason,
        "text": place.text if place else "",
    }


def reason_of(code: str) -> str:
    """The message of a finding code; the name of a filter's rule stands for itself."""
    return describe(code) if code in FINDINGS else code or ""


def _chosen(opened: OpenRelease, wanted: Wanted) -> Tree:
    rows = opened.view("state.disposition")
    conditions: list[Tree] = [in_texts(col("state"), list(wanted.states))]
    conditions += [compared(col(name), "=", text(value)) for name, value in (("feed", wanted.feed), ("kind", wanted.kind), ("code", wanted.code)) if value]
    conditions += [compared(col("receipt"), "=", integer(wanted.receipt))] if wanted.receipt else []
    return statement("select * from {rows} d where {keep}", rows=rows, keep=conjunction(conditions))
