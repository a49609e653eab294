"""Identities opened: by whom, over what, for which stated purpose, for half an hour."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from suwen.base.clock import now
from suwen.base.errors import SuwenError
from suwen.govern.audit.chain import Happening, write
from suwen.govern.people.models import IdentityOpening, User
from suwen.govern.plain_text import one_line
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import Resource

LASTING = timedelta(minutes=30)
SHORTEST_PURPOSE = 8  # characters; in Chinese half as many say as much


def open_identity(user: User, resource: Resource, purpose: str, *, code: str, address: str = "", via: str = "page") -> IdentityOpening:
    """Open the identities of a resource for an account that may. Raises SuwenError where no purpose is stated; the opening is in the audit or is not made."""
    stated = one_line(" ".join(purpose.split())[:300])
    if len(stated) + sum("\u3400" <= c <= "\u9fff" for c in stated) < SHORTEST_PURPOSE:
        raise SuwenError("no purpose was stated", where="purpose", expected="what the identities are needed for, in a few words", code="POL-031")
    with transaction.atomic():
        opening = IdentityOpening.objects.create(user=user, unit=resource.unit, subject=resource.subject, purpose=stated, until=now() + LASTING)
        write(Happening(user.name, Action.OPEN_IDENTITY.value, via, address, resource.unit, resource.subject, code, stated))
    return opening


def close_identity(user: User) -> int:
    """End every opening of an account now; gives how many there were."""
    return int(IdentityOpening.objects.filter(user=user, until__gt=now()).update(until=now()))
