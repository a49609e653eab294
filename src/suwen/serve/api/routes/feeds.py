"""Feeds and what came by them."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query

from suwen.flow.status import FeedStatus, status
from suwen.govern.policy.actions import Action
from suwen.serve.api.asking import Asking, asking, hidden, no_such
from suwen.serve.api.door import answers
from suwen.serve.api.forms import json_only
from suwen.serve.api.shapes import Answer, Key, Limit, Listed, Schema, told
from suwen.serve.console.standing import Arrival, arrivals

Before = Annotated[int, Query(ge=0, le=2**31 - 1, description="Go on after this delivery: `next` of the page before.")]


class OneFeed(Schema):
    """A feed and how far it has come."""

    feed: str = told("Its name.", "数据源")
    organisation: str = told("Whose it is.", "机构")
    template: str = told("By which template it is read.", "模板")
    mode: str = told("How it delivers: snapshot, append, upsert or window.", "交付方式")
    deliveries: int = told("Deliveries landed.", "交付数")
    receipts: int = told("Files landed.", "回执数")
    bytes: str = told("Their bytes.", "字节数")
    latest: str = told('The moment its newest delivery speaks for; "" where nothing came.', "截至时间")
    waiting: int = told("Files that the next run takes in.", "待处理数")


class FeedList(Answer):
    """The feeds of open organisations."""

    items: list[OneFeed]


class File(Schema):
    """A file of a delivery."""

    receipt: str = told("Its receipt.", "回执")
    name: str = told("Its name.", "文件名")
    bytes: str = told("Its length.", "字节数")
    sha256: str = told("Its hash.", "哈希")


class OneDelivery(Schema):
    """Files that arrived together."""

    delivery: str = told("Its number.", "交付")
    as_of: str = told("The moment it speaks for.", "截至时间")
    received_at: str = told("When it arrived, in UTC.", "接收时间")
    mode: str = told("What it says about records it does not hold.", "交付方式")
    state: str = told("waiting, accepted, withdrawn or erased.", "状态")
    published: bool = told("Whether it is in the newest release.", "是否已发布")
    files: list[File]


class Deliveries(Listed):
    """Deliveries of a feed, the newest first."""

    feed: str = told("The feed.", "数据源")
    items: list[OneDelivery]


@answers("feeds", FeedList, Action.FEEDS, tag="feeds")
def list_feeds(request: HttpRequest) -> object:
    """The feeds of open organisations."""
    json_only(request)
    asked = asking(request, Action.FEEDS)
    items = [_feed(one) for one in status(asked.region).feeds if asked.units is None or (one.organisation and asked.sees(one.organisation))]
    return {"release": asked.release, "items": items}


@answers("feeds/{feed}/deliveries", Deliveries, Action.FEEDS, tag="feeds")
def feed_deliveries(request: HttpRequest, feed: Key, after: Before = 0, limit: Limit = 100) -> object:
    """What came by a feed, the newest first."""
    json_only(request)
    asked = asking(request, Action.FEEDS)
    _check_feed(asked, feed)
    found = arrivals(asked.region, asked.published.release, frozenset({asked.region.feeds[feed].organisation}), feed).before(after)[: limit + 1]
    following = str(found[limit - 1].delivery.number) if len(found) > limit else ""
    return {"release": asked.release, "next": following, "feed": feed, "items": [_delivery(one) for one in found[:limit]]}


def _check_feed(asked: Asking, feed: str) -> None:
    held = asked.region.feeds.get(feed)
    if held is None:
        raise no_such("feed", feed)
    if not asked.sees(held.organisation):
        raise hidden(asked.request, Action.FEEDS, held.organisation, "feed", feed)


def _feed(one: FeedStatus) -> dict[str, Any]:
    return {**vars(one), "bytes": str(one.bytes)}


def _delivery(one: Arrival) -> dict[str, Any]:
    files = [{"receipt": str(r.sequence), "name": r.name, "bytes": str(r.length), "sha256": r.sha256} for r in one.delivery.receipts]
    first = one.delivery.receipts[0]
    return {
        "delivery": str(one.delivery.number), "as_of": one.delivery.as_of.isoformat(), "received_at": first.received_at.isoformat(),
        "mode": first.mode.value, "state": one.state.value, "published": one.published, "files": files,
    }  # fmt: skip
