"""What an example expects held against the rows that came: values as their columns write them, rows in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from suwen.model.cdm import Type

Row = Mapping[str, object]
Expected = Mapping[str, str | None]

_READ: Mapping[Type, Callable[[str], object]] = {
    Type.INTEGER: int,
    Type.DATE: date.fromisoformat,
    Type.TIMESTAMP: datetime.fromisoformat,
    Type.VARCHAR: str,
    Type.BOOLEAN: lambda text: text == "true",
    Type.MONEY: Decimal,
    Type.AMOUNT: Decimal,
}


def value_of(text: str | None, type_: Type, id_of: Callable[[str], int | None]) -> object:
    """The value that an expected text means; `id_of` gives the id of "ref:target:key"."""
    if text is None:
        return None
    return id_of(text) if type_ is Type.BIGINT else _READ[type_](text)


def text_of(value: object) -> str:
    """A value as an example would write it; an id has no text of its own."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else str(value)


def assigned(wanted: Sequence[Row], found: Sequence[Row]) -> list[int | None]:
    """For each wanted row the place of a found one that agrees in all its columns, each found row taken once and as many as can be."""
    taken: dict[int, int] = {}  # found -> wanted

    def place(at: int, tried: set[int]) -> bool:
        for other, row in enumerate(found):
            if other not in tried and not differing(wanted[at], row):
                tried.add(other)
                if other not in taken or place(taken[other], tried):
                    taken[other] = at
                    return True
        return False

    for at in range(len(wanted)):
        place(at, set())
    places = {at: other for other, at in taken.items()}
    return [places.get(at) for at in range(len(wanted))]


def differing(wanted: Row, found: Row) -> list[str]:
    """The columns in which a found row is not what was wanted; one its table has no place for is null."""
    return [name for name, value in wanted.items() if found.get(name) != value]
