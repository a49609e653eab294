"""Shapes that many answers share."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Field, Path, Query, Schema
from pydantic import StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,19}$")]


def told(english: str, chinese: str) -> Any:
    """A field with what it holds: in English as its description, in Chinese as its title."""
    return Field(..., description=english, title=chinese)


class Said(Schema):
    """What went wrong."""

    code: str = told("POL-... for a decision, else API and the status.", "编码")
    what: str = told("What was found.", "问题")
    where: str = told('Where; "" where that is plain.', "位置")
    expected: str = told("What was expected.", "应为")
    do: str = told("What to do.", "处理办法")


class Problem(Schema):
    """The one shape of every answer that is none."""

    error: Said


class Names(Schema):
    """A name or text in two languages."""

    en: str
    zh: str


class Answer(Schema):
    """Names the release that was read."""

    release: int = told("The release that the answer was read from.", "发布版本")


class Listed(Answer):
    """A page of a list."""

    next: str = told('What to give as `after` for the next page; "" at the end.', "下一页")


def names(texts: Any) -> dict[str, str]:
    """Both languages of a text; where one is missing, the other."""
    english, chinese = texts.get("en", ""), texts.get("zh", "")
    return {"en": english or chinese, "zh": chinese or english}


AfterText = Annotated[str, Query(max_length=400, description="Go on after this place: `next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1_000, description="At most so many items.")]
FormAsked = Annotated[str, Query(pattern=r"^(json|csv|arrow)?$", description="json, csv or arrow; by itself as the header Accept says.")]
Bom = Annotated[bool, Query(description="CSV with the mark by which spreadsheets know UTF-8.")]
# A parameter with a default needs a Query of its own: the library writes the default into it, for all who share it.
Unit = Annotated[str, Query(max_length=60, description="An organisation's id; it stands for all below it.")]
UnitOrNone = Annotated[str, Query(max_length=60, description='An organisation\'s id; it stands for all below it. "" for none.')]
Period = Annotated[str, Query(max_length=10, description="2024, 2024-Q1, 2024-03 or 2024-03-09.")]
PeriodOrNone = Annotated[str, Query(max_length=10, description='2024, 2024-Q1, 2024-03 or 2024-03-09; "" for none.')]
Identities = Annotated[
    bool, Query(description="Names and numbers unmasked: only where a purpose was stated at a page within the last half hour; each look is written down.")
]
Key = Annotated[str, Path(max_length=120, description="Its code, id or name.")]
