"""What a region received: receipts of files, the deliveries they came in, and facts said about a delivery afterwards.

Landing writes these once and never changes them. `to_json` gives plain JSON values; `from_json` is strict: an unknown or missing key,
a wrong type or an impossible value is a `SuwenError` naming the key, because a damaged record of what arrived must not be guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from suwen.base.errors import SuwenError

_SHA256 = re.compile(r"[0-9a-f]{64}")
CODECS = ("", "gzip", "zip")


class Mode(StrEnum):
    """What a delivery says about records it does not hold: nothing (append, upsert), or that they are gone (snapshot, window)."""

    SNAPSHOT = "snapshot"
    APPEND = "append"
    UPSERT = "upsert"
    WINDOW = "window"


class State(StrEnum):
    """What was decided about a delivery; one without facts is accepted."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


@dataclass(frozen=True)
class Object:
    """Whole-file form: the bytes are kept once under their sha256."""

    sha256: str

    def __post_init__(self) -> None:
        _demand(bool(_SHA256.fullmatch(self.sha256)), "sha256", "64 lower-case hexadecimal digits")


@dataclass(frozen=True)
class Segment:
    """Journal form, for messages: `length` bytes (of the receipt) at `offset` of an append-only segment, with a checksum."""

    segment: str
    offset: int
    crc32: int

    def __post_init__(self) -> None:
        _demand(bool(self.segment), "segment", "a name")
        _demand(self.offset >= 0, "offset", "0 or more")
        _demand(0 <= self.crc32 < 1 << 32, "crc32", "a 32-bit number")


@dataclass(frozen=True)
class Receipt:
    """One file (or message) as it arrived. `length` in bytes; `received_at` in UTC; `as_of` naive, the time the delivery speaks for.

    `window` is the stated first and last date, only in mode window. `codec` says how the bytes are packed, judged by content.
    """

    sequence: int
    feed: str
    delivery: int
    name: str
    form: Object | Segment
    length: int
    sha256: str
    received_at: datetime
    as_of: datetime
    mode: Mode
    window: tuple[date, date] | None
    sender: str
    codec: str = ""
    key_reference: str = ""

    def __post_init__(self) -> None:
        _demand(self.sequence > 0, "sequence", "1 or more")
        _demand(self.delivery > 0, "delivery", "1 or more")
        _demand(bool(self.name) and "/" not in self.name and self.name not in (".", ".."), "name", "a file's base name")
        _demand(self.length >= 0, "length", "0 or more")
        _demand(bool(_SHA256.fullmatch(self.sha256)), "sha256", "64 lower-case hexadecimal digits")
        _demand(not isinstance(self.form, Object) or self.form.sha256 == self.sha256, "form", "the object of the receipt's own sha256")
        _demand(self.codec in CODECS, "codec", "'', 'gzip' or 'zip'")
        check_declared(self.feed, self.received_at, self.as_of, self.mode, self.window)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; feed, delivery, times, mode and window are repeated in every receipt, so that each stands alone."""
        form = (
            {"object": self.form.sha256}
            if isinstance(self.form, Object)
            else {"segment": self.form.segment, "offset": self.form.offset, "crc32": self.form.crc32}
        )
        return {
            "sequence": self.sequence,
            "feed": self.feed,
            "delivery": self.delivery,
            "name": self.name,
            "form": form,
            "length": self.length,
            "sha256": self.sha256,
            "received_at": self.received_at.isoformat(),
            "as_of": self.as_of.isoformat(),
            "mode": self.mode.value,
            "window": _window_to_json(self.window),
            "sender": self.sender,
            "codec": self.codec,
            "key_reference": self.key_reference,
        }

    @classmethod
    def from_json(cls, data: object) -> Receipt:
        """The receipt written by `to_json`; raises SuwenError on anything else."""
        take = _Fields(data, "receipt")
        receipt = cls(
            sequence=take.one("sequence", int),
            feed=take.one("feed", str),
            delivery=take.one("delivery", int),
            name=take.one("name", str),
            form=_form_from_json(take.one("form", dict)),
            length=take.one("length", int),
            sha256=take.one("sha256", str),
            received_at=take.time("received_at"),
            as_of=take.time("as_of"),
            mode=take.choice("mode", Mode),
            window=take.window("window"),
            sender=take.one("sender", str),
            codec=take.one("codec", str),
            key_reference=take.one("key_reference", str),
        )
        take.done()
        return receipt


@dataclass(frozen=True)
class Delivery:
    """Files that arrived together: whole or absent. `number` counts deliveries from 1 without gaps, over all feeds of the region."""

    number: int
    feed: str
    as_of: datetime
    mode: Mode
    window: tuple[date, date] | None
    received_at: datetime
    receipts: tuple[Receipt, ...]

    def __post_init__(self) -> None:
        _demand(self.number > 0, "number", "1 or more")
        _demand(bool(self.receipts), "receipts", "at least one receipt")
        said = (self.number, self.feed, self.as_of, self.mode, self.window, self.received_at)
        for receipt in self.receipts:
            own = (receipt.delivery, receipt.feed, receipt.as_of, receipt.mode, receipt.window, receipt.received_at)
            _demand(own == said, "receipts", "receipts that say the same as their delivery")
        numbers = [receipt.sequence for receipt in self.receipts]
        _demand(numbers == list(range(numbers[0], numbers[0] + len(numbers))), "receipts", "receipts in unbroken sequence")
        _demand(len({receipt.name for receipt in self.receipts}) == len(self.receipts), "receipts", "file names that differ")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "format": 1,
            "number": self.number,
            "feed": self.feed,
            "as_of": self.as_of.isoformat(),
            "mode": self.mode.value,
            "window": _window_to_json(self.window),
            "received_at": self.received_at.isoformat(),
            "receipts": [receipt.to_json() for receipt in self.receipts],
        }

    @classmethod
    def from_json(cls, data: object) -> Delivery:
        """The delivery written by `to_json`; raises SuwenError on anything else."""
        take = _Fields(data, "delivery")
        _demand(take.one("format", int) == 1, "format", "1, the only form there is")
        delivery = cls(
            number=take.one("number", int),
            feed=take.one("feed", str),
            as_of=take.time("as_of"),
            mode=take.choice("mode", Mode),
            window=take.window("window"),
            received_at=take.time("received_at"),
            receipts=tuple(Receipt.from_json(one) for one in take.one("receipts", list)),
        )
        take.done()
        return delivery


@dataclass(frozen=True)
class Fact:
    """Something decided about a delivery: when (UTC), by whom and why. The newest fact of a delivery holds; erased is final."""

    delivery: int
    state: State
    at: datetime
    who: str
    why: str

    def __post_init__(self) -> None:
        _demand(self.delivery > 0, "delivery", "1 or more")
        _demand(self.at.tzinfo is not None and self.at.utcoffset() == UTC.utcoffset(None), "at", "a time in UTC")
        _demand(bool(self.who), "who", "the name of who decided")
        _demand(bool(self.why), "why", "a reason")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"format": 1, "delivery": self.delivery, "state": self.state.value, "at": self.at.isoformat(), "who": self.who, "why": self.why}

    @classmethod
    def from_json(cls, data: object) -> Fact:
        """The fact written by `to_json`; raises SuwenError on anything else."""
        take = _Fields(data, "fact")
        _demand(take.one("format", int) == 1, "format", "1, the only form there is")
        fact = cls(
            delivery=take.one("delivery", int),
            state=take.choice("state", State),
            at=take.time("at"),
            who=take.one("who", str),
            why=take.one("why", str),
        )
        take.done()
        return fact


def _demand(held: bool, key: str, expected: str) -> None:
    if not held:
        raise SuwenError(f"{key} is not what it must be", expected=expected)


def check_declared(feed: str, received_at: datetime, as_of: datetime, mode: Mode, window: tuple[date, date] | None) -> None:
    """Raise SuwenError where what is said of a delivery cannot be."""
    _demand(bool(feed) and feed.isprintable() and "/" not in feed, "feed", "a feed's name")
    _demand(received_at.tzinfo is not None and received_at.utcoffset() == UTC.utcoffset(None), "received_at", "a time in UTC")
    _demand(as_of.tzinfo is None, "as_of", "a local date or time without an offset")

    _demand((mode is Mode.WINDOW) == (window is not None), "window", "first and last date in mode window, and in no other mode")
    _demand(window is None or window[0] <= window[1], "window", "a first date not after the last")


def _window_to_json(window: tuple[date, date] | None) -> list[str] | None:
    return None if window is None else [window[0].isoformat(), window[1].isoformat()]


def _form_from_json(data: dict[str, object]) -> Object | Segment:
    take = _Fields(data, "form")
    if "object" in data:
        form: Object | Segment = Object(take.one("object", str))
    else:
        form = Segment(take.one("segment", str), take.one("offset", int), take.one("crc32", int))
    take.done()
    return form


T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class _Fields:
    """The keys of a JSON object taken one by one, each with its type, until none is left."""

    def __init__(self, data: object, name: str) -> None:
        if not isinstance(data, Mapping):
            raise SuwenError(f"the {name} is not a JSON object")
        self._left, self._name = dict(data), name

    def _bad(self, key: str, expected: str) -> SuwenError:
        return SuwenError(f"{key} of the {self._name} is missing or of the wrong form", expected=expected)

    def one(self, key: str, kind: type[T]) -> T:
        value = self._left.pop(key, None)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self._bad(key, kind.__name__)
        return value

    def time(self, key: str) -> datetime:
        try:
            return datetime.fromisoformat(self.one(key, str))
        except ValueError:
            raise self._bad(key, "an ISO 8601 date and time") from None

    def choice(self, key: str, kind: type[E]) -> E:
        try:
            return kind(self.one(key, str))
        except ValueError:
            raise self._bad(key, " or ".join(kind)) from None

    def window(self, key: str) -> tuple[date, date] | None:
        if key in self._left and self._left[key] is None:
            del self._left[key]
            return None
        ends = self.one(key, list)
        try:
            first, last = (date.fromisoformat(end) for end in ends)
        except (TypeError, ValueError):
            raise self._bad(key, "two ISO 8601 dates, or null") from None
        return first, last

    def done(self) -> None:
        if self._left:
            raise SuwenError(f"the {self._name} holds keys that are not known: {', '.join(sorted(map(str, self._left)))}")
