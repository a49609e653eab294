"""state/receipt: what a release holds of landing, so that SQL leads from a row's receipt to its feed and organisation."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from suwen.engine.delta import NewFile, arrow_type
from suwen.engine.sql import statement
from suwen.flow.work import Work
from suwen.model.state import RECEIPT_TABLE

TABLE = "state/receipt"


def keep_receipts(work: Work) -> None:
    """Add the receipts that came; write the table again where one went, was read anew, or belongs to another organisation than before."""
    rows, before = _rows(work), work.files(TABLE)
    again = not before or _is_changed(work)
    if not again:
        rows = rows.filter(pa.array(work.unseen.held[work.receipts.held]))
    if not rows.num_rows and not (again and before):
        return
    work.engine.register("receipts_held", rows)
    try:
        query = statement("select * from receipts_held order by receipt")
        written = work.engine.copy(query, work.table(TABLE).new_path("000000", f"{work.number:08d}-{work.attempt}"), ordered=True)
    finally:
        work.engine.unregister("receipts_held")
    work.step(f"wrote {TABLE}")
    work.taken_out[TABLE] = before if again else []
    work.change(TABLE).created.append(NewFile(written, "000000"))


def _is_changed(work: Work) -> bool:
    """Whether what is said of earlier receipts is not what it was."""
    before = work.organisations_before()
    moved = any(before.get(feed, work.feed(feed).organisation) != work.feed(feed).organisation for feed in work.receipts.feeds)
    held = work.previous is not None and work.previous.receipts_held + len(work.unseen) == len(work.receipts)
    return bool(work.reread or moved or not held)


def _rows(work: Work) -> pa.Table:
    """The receipts in the order of landing, with their records as staged: none of one that could not be read at all."""
    held = work.receipts.table
    records = np.zeros(len(work.receipts.register) + 1, np.int64)
    for data in work.kinds.values():
        np.add.at(records, data.tally.receipts, data.tally.rows)
    feeds = held["feed"].combine_chunks().dictionary_encode()
    organisations = pa.array([work.feed(feed).organisation for feed in feeds.dictionary.to_pylist()], pa.string())
    columns = {
        "receipt": held["sequence"],
        "feed": held["feed"],
        "organisation": organisations.take(feeds.indices),
        "delivery": held["delivery"],
        "as_of": held["as_of"],
        "received_at": held["received_at"].cast(pa.timestamp("us")),
        "bytes": held["length"],
        "records": pa.array(records[work.receipts.sequences]),
    }
    return pa.table({name: columns[name].cast(arrow_type(kind)) for name, kind in RECEIPT_TABLE.items()})
