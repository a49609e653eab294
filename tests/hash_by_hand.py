"""The hashes of suwen.engine.hash worked out by Python alone, value by value: the second opinion for every engine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

BITS = 63
MASK = (1 << BITS) - 1
CALENDAR, EPOCH = date(1582, 10, 15), datetime(1970, 1, 1)
FIRST, SECOND = (2_147_483_629, 4_294_967_291), (2_147_483_587, 4_294_967_279)
# type -> (digits after the point, the size from which a value is hashed as text)
DECIMALS = {"DECIMAL(18,4)": (4, 9 * 10**9), "DECIMAL(24,8)": (8, 9 * 10**10)}
Value = str | int | bool | date | datetime | Decimal | None
Cell = tuple[str, str, Value]


def md5_number(text: str) -> int:
    """The md5 of a text in UTF-8 as a little-endian number of 128 bits."""
    return int.from_bytes(hashlib.md5(text.encode()).digest(), "little")


def prefix(*words: str) -> str:
    return "".join(f"{len(word)}:{word}" for word in words) + "|"


def text_hash(salt: str, value: str | None, bits: int = BITS) -> int | None:
    return None if value is None else md5_number(salt + value) & ((1 << bits) - 1)


def xor(parts: Sequence[int | None]) -> int | None:
    whole = 0
    for part in parts:
        if part is None:
            return None
        whole ^= part
    return whole


def owner(*words: str) -> int:
    return md5_number(prefix("owner", *words)) & MASK


def entity_id(entity: str, system: str, parts: Sequence[str | None], slot: str | None = None, owned: int = 0, bits: int = BITS) -> int | None:
    hashes = [text_hash(prefix(entity, system, str(at)), part, bits) for at, part in enumerate(parts)]
    return xor([*hashes, text_hash(prefix(entity, "slot"), slot, bits) if slot else 0, owned & ((1 << bits) - 1)])


def entity_md5(entity: str, system: str, parts: Sequence[str], slot: str | None = None, owned: int = 0) -> str:
    whole = md5_number(prefix(entity, "slot") + slot) if slot else 0
    for at, part in enumerate(parts):
        whole ^= md5_number(prefix(entity, system, str(at)) + part)
    return f"{whole ^ owned:032x}"


def record_key(parts: Sequence[str | None], bits: int = BITS) -> int | None:
    return xor([text_hash(prefix("key", str(at)), part, bits) for at, part in enumerate(parts)])


def record_check(parts: Sequence[str]) -> int | None:
    return xor([(md5_number(prefix("key", str(at)) + part) >> 64) & (2**31 - 1) for at, part in enumerate(parts)])


def content(columns: Mapping[str, str | None]) -> int | None:
    return xor([text_hash(prefix("content", name), value) or 0 for name, value in columns.items()])


def of_column(name: str, use: str) -> int:
    return md5_number(prefix("column", name, use)) & MASK


def multipliers(name: str) -> tuple[int, int]:
    low, high = of_column(name, "low"), of_column(name, "high")
    return low % 2**30 + 2**30 | 1, high % 2**31 + 2**31 | 1


def spread(value: int, by_low: int, by_high: int) -> int:
    products = (value & (2**32 - 1)) * by_low, (value >> 32) * by_high
    assert max(products) < 2**63, "no engine overflows"
    return products[0] ^ products[1] ^ (value >> 29)


def mixed(value: int) -> int:
    return spread(spread(value, *FIRST), *SECOND)


def number_of(kind: str, value: Value) -> int | None:
    """A value as a whole number; None for a decimal too large for that."""
    if isinstance(value, Decimal):
        scale, limit = DECIMALS[kind]
        return int(value.scaleb(scale)) if abs(value) < limit else None
    if isinstance(value, datetime):
        since = value - EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if isinstance(value, date):
        return (value - CALENDAR).days
    assert isinstance(value, int)
    return int(value)


def cell_hash(name: str, kind: str, value: Value) -> int:
    if value is None:
        return of_column(name, "null")
    if isinstance(value, str):
        return md5_number(prefix("row", name) + value) & MASK
    number = number_of(kind, value)
    if number is None:
        return spread(md5_number(prefix("row", name) + f"{value:.{DECIMALS[kind][0]}f}") & MASK, *multipliers(name))
    return spread((number & MASK) ^ of_column(name, "salt"), *multipliers(name))


def row_hash(cells: Sequence[Cell]) -> int:
    whole = 0
    for cell in cells:
        whole ^= cell_hash(*cell)
    return whole
