"""Who may use the command line of a region: its owner, or on a server who shows a token; the same decisions as everywhere."""

from __future__ import annotations

import os
from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.flow.region import open_region, region_packs
from suwen.flow.trace import Trace
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import WHOLE, Resource
from suwen.govern.policy.decisions import allowed_units
from suwen.govern.policy.source_masks import masked_trace
from suwen.model.region import Region

TOKEN = "SUWEN_TOKEN"
TOKEN_FILE = Path("~/.config/suwen/token")


def allow(region: Region, action: Action, resource: Resource | None = None, purpose: str = "") -> None:
    """Raises SuwenError where the region asks for a token and the one shown does not allow this."""
    if region.server.access != "server":
        return
    from suwen.govern.control import opened  # noqa: PLC0415 only a server's command line needs Django

    control = opened(region)
    decision = control.decided(control.by_token(_token()), action, resource, purpose)
    if not decision.allowed:
        raise SuwenError(
            decision.reason_en,
            where=str(region.folder),
            expected=f"a token that may {action.value}, in {TOKEN} or {TOKEN_FILE}",
            do="make one on the page of your account",
            code=decision.code,
        )


def reach(region: Region, action: Action) -> frozenset[str] | None:
    """The organisations over which who asks may do this; None for every one there is."""
    if region.server.access != "server":
        return None
    from suwen.govern.control import opened  # noqa: PLC0415 as above

    return allowed_units(opened(region).by_token(_token()), action)


def region_for(folder: Path, action: Action) -> Region:
    """The region in a folder, for a command that does this to the whole of it."""
    region = open_region(folder)
    allow(region, action)
    return region


def shown(region: Region, found: Trace) -> Trace:
    """A trace as who asks may see it: on a server masked, unless its subject's identities are open; raises SuwenError where it may not be seen at all."""
    if region.server.access != "server":
        return found
    from suwen.govern.control import opened  # noqa: PLC0415 as above

    feed = region.feeds.get(found.records[0].place.feed) if found.records else None
    resource = Resource(feed.organisation if feed else WHOLE, f"{found.table} {found.id}")
    allow(region, Action.RAW, resource)
    control = opened(region)
    if control.sees_identity(control.by_token(_token()), resource):
        return found
    return masked_trace(found, region_packs(region))


def _token() -> str:
    """The token as the environment or the person's own file holds it."""
    held = os.environ.get(TOKEN, "")
    path = TOKEN_FILE.expanduser()
    return held.strip() or (path.read_text("utf-8", "replace").strip() if path.is_file() else "")
