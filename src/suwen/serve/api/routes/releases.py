"""Releases, and the books of one: what became of every record received."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query

from suwen.flow.stores import releases_of
from suwen.govern.policy.actions import Action
from suwen.model.release import Release
from suwen.serve.api.asking import Asking, asking
from suwen.serve.api.door import answers
from suwen.serve.api.faults import Fault
from suwen.serve.api.forms import json_only
from suwen.serve.api.shapes import Answer, Limit, Listed, Schema, told

Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="A release's number.")]
Before = Annotated[int, Query(ge=0, le=2**31 - 1, description="Go on after this release: `next` of the page before.")]


class OneRelease(Schema):
    """A release."""

    number: int = told("Its number.", "发布版本")
    run: int = told("The run that published it.", "运行")
    published_at: str = told("When, in UTC.", "发布时间")
    receipts: int = told("Receipts in it.", "回执数")
    vocabulary: bool = told("Whether it was made with vocabularies.", "是否载入词表")


class ReleaseList(Listed):
    """Releases, the newest first."""

    items: list[OneRelease]


class TableState(Schema):
    """A table in a release."""

    rows: int = told("Its rows.", "行数")
    fingerprint: str = told("The sum of its rows' hashes: equal content, equal fingerprint.", "指纹")


class TheRelease(Answer):
    """One release with its tables."""

    this: OneRelease
    tables: dict[str, TableState] = told("By name, such as cdr.person.", "表")
    as_of: dict[str, str] = told("Feed -> the latest moment it speaks for; feeds of open organisations.", "截至时间")


class Line(Schema):
    """Records of one target of one kind of one feed, by what became of them."""

    feed: str = told("The feed.", "数据源")
    kind: str = told("The kind of record.", "记录类别")
    target: str = told('What is made of them; "" for those the reader rejects.', "映射目标")
    states: dict[str, int] = told("State -> records; they sum to the records received.", "状态")


class Ledger(Answer):
    """The books of a release, for the feeds of open organisations."""

    items: list[Line]


@answers("releases", ReleaseList, Action.RELEASES, tag="releases")
def list_releases(request: HttpRequest, after: Before = 0, limit: Limit = 100) -> object:
    """The releases that are kept, the newest first."""
    json_only(request)
    asked = asking(request, Action.RELEASES)
    kept = releases_of(asked.region)
    numbers = [number for number in sorted(kept.numbers(), reverse=True) if not after or number < after]
    following = str(numbers[limit - 1]) if len(numbers) > limit else ""
    return {"release": asked.release, "next": following, "items": [_one(kept.get(number)) for number in numbers[:limit]]}


@answers("releases/{number}", TheRelease, Action.RELEASES, tag="releases")
def one_release(request: HttpRequest, number: Number) -> object:
    """One release: its tables, and until when each feed speaks in it."""
    json_only(request)
    asked = asking(request, Action.RELEASES)
    found = _release(asked, number)
    tables = {name.replace("/", "."): {"rows": held.rows, "fingerprint": held.fingerprint} for name, held in sorted(found.tables.items())}
    as_of = {feed: moment for feed, moment in found.as_of.items() if _is_open(asked, feed)}
    return {"release": number, "this": _one(found), "tables": tables, "as_of": as_of}


@answers("releases/{number}/ledger", Ledger, Action.RELEASES, tag="releases")
def release_ledger(request: HttpRequest, number: Number) -> object:
    """The books of a release: per feed, kind and target how many records stand in which state."""
    json_only(request)
    asked = asking(request, Action.RELEASES)
    lines: dict[tuple[str, str, str], dict[str, int]] = {}
    for label, records in sorted(_release(asked, number).totals.items()):
        feed, kind, target, state = label.split("|")
        if _is_open(asked, feed):
            lines.setdefault((feed, kind, target), {})[state] = records
    return {"release": number, "items": [{"feed": key[0], "kind": key[1], "target": key[2], "states": states} for key, states in lines.items()]}


def _is_open(asked: Asking, feed: str) -> bool:
    held = asked.region.feeds.get(feed)
    return asked.units is None or (held is not None and asked.sees(held.organisation))


def _release(asked: Asking, number: int) -> Release:
    kept = releases_of(asked.region)
    if number not in kept.numbers():
        raise Fault(HTTPStatus.NOT_FOUND, f"there is no release {number}", where="release", expected="one that is kept", do="GET /api/v1/releases")
    return kept.get(number)


def _one(release: Release) -> dict[str, Any]:
    return {
        "number": release.number, "run": release.run, "published_at": release.published_at, "receipts": release.receipts_held,
        "vocabulary": bool(release.vocabulary),
    }  # fmt: skip
