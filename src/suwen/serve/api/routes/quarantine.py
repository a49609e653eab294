"""What was not taken in, and why, in groups."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Query

from suwen.flow.quarantine import HELD, QUARANTINED, Wanted, groups
from suwen.govern.policy.actions import Action
from suwen.serve.api.asking import asking
from suwen.serve.api.door import answers
from suwen.serve.api.forms import json_only
from suwen.serve.api.shapes import Answer, Schema, told


class Group(Schema):
    """Records of one feed, kind and target that one reason keeps out."""

    feed: str = told("The feed.", "数据源")
    kind: str = told("The kind of record.", "记录类别")
    target: str = told('What would be made of them; "" for those the reader rejects.', "映射目标")
    state: str = told("quarantined or held.", "状态")
    code: str = told("The finding's code.", "发现编码")
    about: str = told("The column, parent or file concerned.", "涉及")
    reason: str = told("What it means.", "原因")
    records: int = told("How many.", "记录数")


class Groups(Answer):
    """The reasons, the most frequent first."""

    items: list[Group]


Name = Annotated[str, Query(max_length=120, description='By itself, or "", of any.')]


@answers("quarantine", Groups, Action.QUARANTINE, tag="quarantine")
def quarantine_groups(
    request: HttpRequest, feed: Name = "", kind: Name = "", code: Name = "",
    state: Annotated[str, Query(pattern="^(quarantined|held|)$", description="quarantined, held, or both.")] = "",
) -> object:  # fmt: skip
    """Why records of open organisations were not taken in, and how many for each reason."""
    json_only(request)
    asked = asking(request, Action.QUARANTINE)
    states = (state,) if state else (QUARANTINED, HELD)
    feeds = asked.region.feeds
    found = groups(asked.published.opened, Wanted(feed=feed, kind=kind, code=code, states=states))
    kept = [one for one in found if asked.units is None or (one.feed in feeds and asked.sees(feeds[one.feed].organisation))]
    return {"release": asked.release, "items": [vars(one) for one in kept]}
