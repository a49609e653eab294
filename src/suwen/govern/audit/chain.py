"""The chain: entries are added under a lock, each sealed over its content and the seal before; verification walks it from the beginning."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from suwen.base.clock import now
from suwen.govern.audit.models import Entry, Head
from suwen.govern.policy.actors import WHOLE

_SEALED = ("number", "actor", "via", "address", "event", "unit", "subject", "code", "purpose", "before")
_LENGTHS = {field.name: field.max_length for field in Entry._meta.get_fields() if getattr(field, "max_length", None)}


@dataclass(frozen=True)
class Happening:
    """What is to be written down: who did what, by a page, a token or the command line, to which unit and subject, and the reason's code."""

    actor: str
    event: str
    via: str = "page"
    address: str = ""
    unit: str = WHOLE
    subject: str = ""
    code: str = ""
    purpose: str = ""


@dataclass(frozen=True)
class Verified:
    """How the chain stands: entries seen, the last seal, and the number and nature of the first thing wrong (0 and "" for nothing)."""

    entries: int
    seal: str
    wrong_at: int = 0
    wrong: str = ""


def write(happening: Happening) -> Entry:
    """Append one entry; it is durable with the transaction around it."""
    told = {name: _fitting(name, value) for name, value in vars(happening).items()}
    with transaction.atomic():
        Head.objects.get_or_create(pk=1)
        head = Head.objects.select_for_update().get(pk=1)
        entry = Entry(number=head.number + 1, at=now(), before=head.seal, **told)
        entry.seal = seal(entry)
        entry.save(force_insert=True)
        Head.objects.filter(pk=1).update(number=entry.number, seal=entry.seal)
    return entry


def _fitting(name: str, value: str) -> str:
    """A text without control characters, cut to what the column holds."""
    return "".join(c if c.isprintable() else "\ufffd" for c in value)[: _LENGTHS[name]]


def seal(entry: Entry) -> str:
    """The seal of an entry: who has the audit key alone can make it."""
    moment: datetime = entry.at
    content = {name: getattr(entry, name) for name in _SEALED} | {"at": moment.astimezone(UTC).isoformat()}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(settings.SUWEN_AUDIT_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def verify(known: tuple[int, str] = (0, "")) -> Verified:
    """Walk the whole chain. `known`: an entry's number and seal noted earlier, which must still be there: it tells a chain that was cut short or made anew."""
    last, number = "", 0
    for entry in Entry.objects.order_by("number").iterator(2_000):
        if entry.number != number + 1:
            return Verified(number, last, number + 1, "an entry is missing")
        if entry.before != last:
            return Verified(number, last, entry.number, "the entry does not follow the one before")
        if not hmac.compare_digest(entry.seal, seal(entry)):
            return Verified(number, last, entry.number, "the entry was changed")
        if entry.number == known[0] and entry.seal != known[1]:
            return Verified(number, last, entry.number, "the entry is not the one noted earlier")
        last, number = entry.seal, entry.number
    return _ended(number, last, known)


def _ended(number: int, last: str, known: tuple[int, str]) -> Verified:
    head = Head.objects.filter(pk=1).first()
    if (head.number, head.seal) != (number, last) if head else number > 0:
        return Verified(number, last, number + 1, "entries are missing at the end")
    if known[0] > number:
        return Verified(number, last, number + 1, "the entry noted earlier is missing")
    return Verified(number, last)
