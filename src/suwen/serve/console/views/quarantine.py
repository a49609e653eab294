"""The quarantine desk: what was kept out and why, the bytes, and the replay after something was mended."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from suwen.flow.quarantine import HELD, QUARANTINED, Wanted, groups, records
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import Resource
from suwen.govern.texts.catalogue import t
from suwen.serve.console import replay
from suwen.serve.console.quarantine_desk import Shown, causes, reasons, shown_records
from suwen.serve.console.record_page import masks_of
from suwen.serve.console.tags import language
from suwen.serve.console.views.reading import Reading, page, reading, told
from suwen.serve.gate import may, needs, note, require, sees_identity

SHOWN = 20  # records of one reason


@needs(Action.QUARANTINE)
@told
def desk(request: HttpRequest) -> HttpResponse:
    """The reasons, and the first records of one that is chosen."""
    at = reading(request, Action.QUARANTINE)
    state = HELD if request.GET.get("state") == HELD else QUARANTINED
    found = at.release.once(("reasons", state), lambda: groups(at.release.opened, Wanted(states=(state,))))
    chosen = {name: request.GET.get(name, "")[:120] for name in ("feed", "kind", "code")}
    held = {
        "state": state,
        "causes": causes(reasons(found, at.region, at.scope.units, language())),
        "chosen": chosen,
        "records": _records(request, at, state, chosen) if chosen["feed"] else None,
        "most": SHOWN,
        "busy": replay.is_at_work(at.region),
        "last": replay.last(at.region) if may(request, Action.REPLAY) else None,
        "may_replay": may(request, Action.REPLAY),
    }
    return page(request, "console/quarantine.html", held, at)


def _records(request: HttpRequest, at: Reading, state: str, chosen: Mapping[str, str]) -> list[Shown]:
    feed = at.region.feeds.get(chosen["feed"])
    unit = feed.organisation if feed else ""
    require(request, Action.QUARANTINE, Resource(unit))
    wanted = Wanted(chosen["feed"], chosen["kind"], chosen["code"], states=(state,))
    kept = at.release.once(("kept", state, *chosen.values()), lambda: list(records(at.release.opened, wanted, SHOWN)))
    opened = sees_identity(request, unit, f"quarantine of {chosen['feed']}")
    return shown_records(kept, at.region, partial(masks_of, at.release), open_identity=opened) if may(request, Action.RAW, Resource(unit)) else []


@needs(Action.REPLAY)
@require_POST
def again(request: HttpRequest) -> HttpResponse:
    """Start a run, which takes in what can be mapped now."""
    at = reading(request, Action.REPLAY)
    note(request, Action.REPLAY.value, Resource(at.scope.home))
    if replay.begin(at.region, request.actor.name):
        messages.success(request, t("A run has begun. What can be mapped now leaves the quarantine."))
    else:
        messages.warning(request, t("A run is at work already."))
    return redirect("quarantine")
