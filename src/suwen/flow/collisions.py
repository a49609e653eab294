"""Two keys with one id: the run stops before it publishes, names the records of both, and says how to tell them apart."""

from __future__ import annotations

from dataclasses import dataclass

from suwen.base.errors import SuwenError
from suwen.engine import hash as hashing
from suwen.engine.sql import col, compared, conjunction, integer, statement
from suwen.flow.kind_relations import records
from suwen.flow.lanes import KindData
from suwen.flow.work import Work
from suwen.model.finding import describe

HEADER = "id,key_md5,replacement"


@dataclass(frozen=True)
class Rival:
    """One of the two records, and the md5 of its key ("" where it cannot be told any more)."""

    receipt: int
    record: int
    key_md5: str = ""


def collision(feed: str, what: str, shared_id: int, one: Rival, other: Rival) -> SuwenError:
    """The error that names both records and offers for each the line of collisions.csv that gives it another id."""
    lines = [f"{shared_id},{r.key_md5},{free_id(r.key_md5)}   (record {r.record} of receipt {r.receipt})" for r in (one, other) if r.key_md5]
    return SuwenError(
        f"two different keys have the same id: record {one.record} of receipt {one.receipt} and record {other.record} of receipt {other.receipt} ({what})",
        where=feed,
        expected=describe("IDN-001"),
        do="\n    ".join([f"put one of these lines into collisions.csv of the region, below its header {HEADER} (docs/guide/collisions.md)", *lines]),
        code="IDN-001",
    )


def free_id(key_md5: str) -> int:
    """A replacement to offer: the 63 high bits of the key's md5, from which ids are not cut."""
    return int(key_md5[:16], 16) >> 1


def refuse_keys(work: Work, data: KindData, found: list[tuple[int, dict[str, int], dict[str, int]]]) -> None:
    """Stop the run where two records of a kind have different keys with one hash; `found` as versions.colliding tells it."""
    if not found:
        return
    shared, *records = found[0]
    rivals = [Rival(r["receipt"], r["record"], _record_md5(work, data, r)) for r in records]
    raise collision(work.feed_of(rivals[0].receipt), f"kind {data.kind.name}", shared, *rivals)


def _record_md5(work: Work, data: KindData, place: dict[str, int]) -> str:
    lies = statement("select {r} as receipt", r=integer(place["receipt"]))
    here = conjunction([compared(col(f"_{name}"), "=", integer(value)) for name, value in place.items()])
    md5 = hashing.record_md5([col(c) for c in data.kind.key])
    return str(work.engine.one(statement("select {md5} from {s} s where {here}", md5=md5, s=records(work, data, data.kind.key, of=lies), here=here)))
