"""How the value of a column is written as a text in an example."""

from __future__ import annotations

import re
from datetime import date, datetime

from suwen.model.cdm import Type

FORMS = {
    Type.BIGINT: "a whole number",
    Type.INTEGER: "a whole number",
    Type.DATE: "a date as 2023-01-05",
    Type.TIMESTAMP: "a time as 2023-01-05 10:11:12",
    Type.VARCHAR: "a text",
    Type.BOOLEAN: "true or false",
    Type.MONEY: "a number as 1234.5678",
    Type.AMOUNT: "a number as 1234.5678",
}
_PATTERNS = {
    Type.BIGINT: r"-?[0-9]{1,19}",
    Type.INTEGER: r"-?[0-9]{1,10}",
    Type.DATE: r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    Type.TIMESTAMP: r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?",
    Type.VARCHAR: r"(?s:.*)",
    Type.BOOLEAN: r"true|false",
    Type.MONEY: r"-?[0-9]{1,14}(\.[0-9]{1,4})?",
    Type.AMOUNT: r"-?[0-9]{1,16}(\.[0-9]{1,8})?",
}


def can_be(text: str, type_: Type) -> bool:
    """Whether the text is a value of the type, in the form of FORMS."""
    if not re.fullmatch(_PATTERNS[type_], text, re.ASCII):
        return False
    try:
        return type_ not in (Type.DATE, Type.TIMESTAMP) or bool(date.fromisoformat(text[:10]) and datetime.fromisoformat(text))
    except ValueError:
        return False
