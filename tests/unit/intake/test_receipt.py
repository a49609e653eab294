"""Receipts, deliveries and facts: what cannot be is refused when made, and JSON is read strictly."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from suwen.base.errors import SuwenError
from suwen.model.receipt import Delivery, Fact, Mode, Object, Receipt, Segment, State

HASH = "0" * 63 + "a"
RECEIPT = Receipt(
    5,
    "h1-his",
    2,
    "patients.csv",
    Object(HASH),
    10,
    HASH,
    datetime(2024, 5, 1, 8, tzinfo=UTC),
    datetime(2024, 4, 30),
    Mode.WINDOW,
    (date(2024, 4, 1), date(2024, 4, 30)),
    "ftp",
    "gzip",
    "key-1",
)
MESSAGE = replace(RECEIPT, sequence=6, name="m2", form=Segment("0001", 7, 99), mode=Mode.APPEND, window=None)
DELIVERY = Delivery(2, "h1-his", RECEIPT.as_of, RECEIPT.mode, RECEIPT.window, RECEIPT.received_at, (RECEIPT, replace(RECEIPT, sequence=6, name="b.csv")))
FACT = Fact(2, State.WITHDRAWN, datetime(2024, 5, 2, tzinfo=UTC), "a.steward", "sent by mistake")


def through_json(data: dict[str, Any]) -> Any:
    return json.loads(json.dumps(data))


def test_what_is_written_is_read_again() -> None:
    assert Receipt.from_json(through_json(RECEIPT.to_json())) == RECEIPT
    assert Receipt.from_json(through_json(MESSAGE.to_json())) == MESSAGE
    assert Delivery.from_json(through_json(DELIVERY.to_json())) == DELIVERY
    assert Fact.from_json(through_json(FACT.to_json())) == FACT


@pytest.mark.parametrize(
    ("whole", "read"),
    [
        (RECEIPT.to_json(), Receipt.from_json),
        (MESSAGE.to_json(), Receipt.from_json),
        (DELIVERY.to_json(), Delivery.from_json),
        (FACT.to_json(), Fact.from_json),
    ],
)
def test_json_with_a_key_missing_added_or_of_another_kind_is_refused(whole: dict[str, Any], read: Callable[[object], object]) -> None:
    for key in whole:
        with pytest.raises(SuwenError):
            read({k: v for k, v in whole.items() if k != key})
        for wrong in ([], {}, 1.5, True, "nonsense\n" if key not in ("name", "sender", "feed", "who", "why", "key_reference") else 0):
            with pytest.raises(SuwenError):
                read(whole | {key: wrong})
    with pytest.raises(SuwenError, match="not known: extra"):
        read(whole | {"extra": 1})
    for not_an_object in (None, [], "x", 1):
        with pytest.raises(SuwenError):
            read(not_an_object)


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": 0},
        {"delivery": 0},
        {"feed": ""},
        {"feed": "a/b"},
        {"name": ""},
        {"name": "a/b"},
        {"name": ".."},
        {"length": -1},
        {"sha256": "A" * 64},
        {"sha256": "b" * 64},
        {"codec": "rar"},
        {"received_at": datetime(2024, 5, 1)},
        {"received_at": datetime(2024, 5, 1, tzinfo=timezone(timedelta(hours=8)))},
        {"as_of": datetime(2024, 5, 1, tzinfo=UTC)},
        {"window": None},
        {"window": (date(2024, 5, 2), date(2024, 5, 1))},
        {"mode": Mode.SNAPSHOT},
    ],
)
def test_a_receipt_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SuwenError):
        replace(RECEIPT, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"number": 3},
        {"feed": "other"},
        {"receipts": ()},
        {"receipts": (RECEIPT, RECEIPT)},
        {"receipts": (RECEIPT, replace(RECEIPT, sequence=7, name="b"))},
        {"receipts": (RECEIPT, replace(RECEIPT, sequence=6))},
        {"mode": Mode.APPEND, "window": None},
    ],
)
def test_a_delivery_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SuwenError):
        replace(DELIVERY, **change)


@pytest.mark.parametrize("change", [{"delivery": 0}, {"who": ""}, {"why": ""}, {"at": datetime(2024, 1, 1)}])
def test_a_fact_needs_who_when_and_why(change: dict[str, Any]) -> None:
    with pytest.raises(SuwenError):
        replace(FACT, **change)


@pytest.mark.parametrize(("segment", "offset", "crc32"), [("", 0, 0), ("a", -1, 0), ("a", 0, 1 << 32)])
def test_a_segment_that_cannot_be_is_refused(segment: str, offset: int, crc32: int) -> None:
    with pytest.raises(SuwenError):
        Segment(segment, offset, crc32)
