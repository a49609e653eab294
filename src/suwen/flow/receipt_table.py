"""state/receipt: what a release holds of landing, so that SQL leads from a row's receipt to its feed and organisation."""

from __future__ import annotations

from collections import Counter
from datetime import UTC

import pyarrow as pa

from suwen.engine.delta import NewFile, arrow_type
from suwen.engine.sql import statement
from suwen.flow.work import Work
from suwen.model.state import RECEIPT_TABLE

TABLE = "state/receipt"


def keep_receipts(work: Work) -> None:
    """Write the table again where a receipt came or went, was read anew, or belongs to another organisation than before."""
    if work.files(TABLE) and not _is_changed(work):
        return
    rows = _rows(work)
    if not rows and not work.files(TABLE):
        return
    columns = {name: pa.array([row[place] for row in rows], arrow_type(kind)) for place, (name, kind) in enumerate(RECEIPT_TABLE.items())}
    work.engine.register("receipts_held", pa.table(columns))
    try:
        query = statement("select * from receipts_held order by receipt")
        written = work.engine.copy(query, work.table(TABLE).new_path("000000", f"{work.number:08d}-{work.attempt}"), ordered=True)
    finally:
        work.engine.unregister("receipts_held")
    work.step(f"wrote {TABLE}")
    work.taken_out[TABLE] = work.files(TABLE)
    work.change(TABLE).created.append(NewFile(written, "000000"))


def _is_changed(work: Work) -> bool:
    before = work.organisations_before()
    moved = any(before.get(feed, work.feed(feed).organisation) != work.feed(feed).organisation for feed in {r.feed for r in work.receipts.values()})
    held = work.previous is not None and work.previous.receipts_held == len(work.receipts)
    return bool(work.unseen or work.reread or moved or not held)


def _rows(work: Work) -> list[tuple[object, ...]]:
    """The receipts in the order of landing, with their records as staged: none of one that could not be read at all."""
    records = Counter[int]()
    for data in work.kinds.values():
        for file in data.files:
            records[file.receipt] += file.rows
    return [
        (
            r.sequence,
            r.feed,
            work.feed(r.feed).organisation,
            r.delivery,
            r.as_of,
            r.received_at.astimezone(UTC).replace(tzinfo=None),
            r.length,
            records[r.sequence],
        )
        for r in sorted(work.receipts.values(), key=lambda r: r.sequence)
    ]
