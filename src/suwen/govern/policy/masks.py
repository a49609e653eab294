"""What of the repository tells who somebody is, and how it is shown masked: by its form, never by its value."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType

HIDDEN_TEXT = "•••"
_STAR = "•"
_LONGEST = 24  # a mask tells no length beyond


class Personal(StrEnum):
    """What a value may tell of a person, the gravest first; `NO`: nothing by itself."""

    IDENTITY = "identity number"
    IDENTIFIER = "identifier"
    NAME = "name"
    TELEPHONE = "telephone"
    NUMBER = "number"
    ADDRESS = "address"
    BIRTH = "birth"
    BIRTH_PART = "birth part"
    TEXT = "text"
    HIDDEN = "hidden"
    NO = "no"


GRAVITY: Mapping[Personal, int] = MappingProxyType({kind: at for at, kind in enumerate(Personal)})
_IDENTIFIERS = {"resident id": Personal.IDENTITY, "name": Personal.NAME, "telephone": Personal.TELEPHONE, "health card": Personal.NUMBER}
_PLACE = re.compile(r"[^\W\d]{1,7}?(?:省|自治区|市)")
_YEAR = re.compile(r"(1[89]|2[01])\d\d(?!\d{1,3}$)")


def _read() -> Mapping[tuple[str, str], Personal]:
    text = files("suwen.govern.policy").joinpath("personal.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return MappingProxyType({(row["table"], row["column"]): Personal(row["personal"]) for row in rows})


PERSONAL: Mapping[tuple[str, str], Personal] = _read()


def personal(table: str, column: str) -> Personal:
    """What a column may tell; HIDDEN for one that nobody has looked at. Columns of ours (`_receipt` and its like) tell nothing."""
    name = table.split(".", 1)[-1]
    if column.startswith("_"):
        return Personal.NO
    return PERSONAL.get((name, column)) or PERSONAL.get((name, "*")) or PERSONAL.get((table.replace(".", "/"), "*")) or Personal.HIDDEN


def masked(kind: Personal, value: object) -> object:
    """A value as it may be shown to whom identities are not open: itself where it tells nothing, else a text of its form. Nothing stays nothing."""
    if value is None or kind is Personal.NO:
        return value
    return _MASKS.get(kind, _hidden)(value)


def masked_row(table: str, row: Mapping[str, object]) -> dict[str, object]:
    """A row of a table, masked column by column."""
    if table.split(".", 1)[-1] == "ext_person_identifier":
        kind = _IDENTIFIERS.get(str(row.get("kind")), Personal.IDENTIFIER)
        return {name: masked(kind if name == "value" else personal(table, name), value) for name, value in row.items()}
    return {name: masked(personal(table, name), value) for name, value in row.items()}


def _hidden(value: object) -> str:
    return HIDDEN_TEXT


def _name(value: object) -> str:
    """The first character of a name in Chinese and how many follow; the first letter of another."""
    text = str(value).strip()
    if len(text) < 2:
        return _STAR
    chinese = "\u3400" <= text[0] <= "\u9fff"
    return text[0] + (_STAR * min(len(text) - 1, 3) if chinese else HIDDEN_TEXT)


def _identity(value: object) -> str:
    """The province of a resident id and its length; of anything shorter only the length."""
    text = str(value).strip()
    shown = 2 if len(text) >= 15 and text[:2].isascii() and text[:2].isdigit() else 0
    return text[:shown] + _STAR * min(len(text) - shown, _LONGEST)


def _telephone(value: object) -> str:
    """The network of a mobile number and the length; of anything else the length."""
    text = str(value).strip()
    shown = 3 if len(text) == 11 and text.isascii() and text.isdigit() else 0
    return text[:shown] + _STAR * min(len(text) - shown, _LONGEST)


def _identifier(value: object) -> str:
    """What is any of name, resident id, telephone or card number: masked as what it looks like."""
    text = str(value).strip()
    digits = sum(c.isdigit() for c in text)
    if len(text) >= 15 and digits >= len(text) - 1:
        return _identity(text)
    if len(text) == 11 and digits == 11:
        return _telephone(text)
    return _number(text) if digits else _name(text)


def _address(value: object) -> str:
    """The province or city that an address begins with."""
    found = _PLACE.match(str(value).strip())
    return (found.group() if found else "") + HIDDEN_TEXT


def _number(value: object) -> str:
    """The form of a number: letters and digits hidden, what stands between them kept."""
    return "".join(_STAR if c.isalnum() else c if c in "-_/. " else _STAR for c in str(value).strip()[:_LONGEST])


def _birth(value: object) -> str:
    """The year of a date or of a text that begins with one."""
    if isinstance(value, date):
        return f"{value.year:04d}-{_STAR * 2}-{_STAR * 2}"
    found = _YEAR.match(str(value).strip())
    return (found.group() if found else "") + HIDDEN_TEXT


def _text(value: object) -> str:
    """How long a text is."""
    return f"{HIDDEN_TEXT} ({len(str(value))})"


_MASKS: Mapping[Personal, Callable[[object], str]] = MappingProxyType(
    {
        Personal.IDENTIFIER: _identifier,
        Personal.NAME: _name,
        Personal.IDENTITY: _identity,
        Personal.TELEPHONE: _telephone,
        Personal.ADDRESS: _address,
        Personal.NUMBER: _number,
        Personal.BIRTH: _birth,
        Personal.TEXT: _text,
    }
)
