"""Lock-out: who fails again and again, at an account, from an address or in a browser that an account knows, waits longer and longer."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from suwen.base.clock import now
from suwen.govern.people.models import Failures

ACCOUNT, ADDRESS, BROWSER = "account", "address", "browser"
FREE = {ACCOUNT: 5, ADDRESS: 30, BROWSER: 5}  # failures in a row before the first wait
_FIRST, _LONGEST = timedelta(minutes=1), timedelta(hours=1)
_FORGOTTEN = timedelta(hours=24)


def locked(kind: str, key: str) -> bool:
    """Whether attempts of this account or address do not count now, right or wrong."""
    return Failures.objects.filter(kind=kind, key=key[:120], locked_until__gt=now()).exists()


def failed(kind: str, key: str) -> bool:
    """Count one failure; gives whether a wait begins with it. The wait doubles with every further failure, up to an hour."""
    with transaction.atomic():
        held, _ = Failures.objects.select_for_update().get_or_create(kind=kind, key=key[:120], defaults={"last_at": now()})
        if now() - held.last_at > _FORGOTTEN:
            held.number = 0
        held.number, held.last_at = held.number + 1, now()
        over = held.number - FREE[kind]
        if over >= 0:
            held.locked_until = now() + min(_FIRST * 2 ** min(over, 10), _LONGEST)
        held.save()
    return over >= 0


def succeeded(kind: str, key: str) -> None:
    """Forget the failures of an account or address."""
    Failures.objects.filter(kind=kind, key=key[:120]).delete()
