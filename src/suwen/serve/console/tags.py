"""Template tags and filters of the console: numbers, days and texts as a language writes them, and the list of pages."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import quote

from django import template
from django.urls import reverse
from django.utils import translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from suwen.flow.places import RecordPlace
from suwen.govern.present import present
from suwen.govern.texts.catalogue import t
from suwen.insight.indicator.decomposition import Share
from suwen.model.indicator import Indicator, Value
from suwen.serve.console import shown
from suwen.serve.console.glossary_page import anchored
from suwen.serve.console.lineage_page import ROW

register = template.Library()

# (group, ((name of the page's address, its title, the action that opens it), ...))
_PAGES: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("", (("overview", "Overview", "VALUES"), ("indicators", "Indicators", "VALUES"), ("organisations", "Organisations", "VALUES"))),
    ("Data", (("feeds", "Feeds", "FEEDS"), ("quarantine", "Quarantine", "QUARANTINE"), ("releases", "Releases and ledger", "RELEASES"))),
    ("Knowledge", (("templates", "Templates", "CATALOGUE"), ("glossary", "Glossary", "CATALOGUE"))),
    ("Region", (("people", "People", "PEOPLE"), ("audit", "Audit", "AUDIT"))),
)


# Zone and names of organisations of the region that is being read, set for each page: filters are called hundreds of times.
READ: ContextVar[tuple[str, Mapping[str, tuple[str, str]]] | None] = ContextVar("READ", default=None)


def _read() -> tuple[str, Mapping[str, tuple[str, str]]]:
    return READ.get() or (present().region().zone, present().tree().names)


def language() -> str:
    """The language in force: en or zh."""
    return "zh" if (translation.get_language() or "en").startswith("zh") else "en"


@register.inclusion_tag("rail.html", takes_context=True)
def rail(context: Mapping[str, Any]) -> dict[str, Any]:
    """The pages its reader may open, the present one marked."""
    request, may = context["request"], context["may"]
    groups = []
    for title, pages in _PAGES:
        items = [
            {"name": t(name), "address": reverse(address), "current": _is_current(request.path, reverse(address))}
            for address, name, action in pages
            if may.get(action)
        ]
        if items:
            groups.append({"name": t(title) if title else "", "items": items})
    return {"groups": groups}


def _is_current(path: str, address: str) -> bool:
    return path == address if address == "/" else path == address or path.startswith(address + "/")


@register.filter
def safely(value: object) -> SafeString:
    """Any text of a file as text: what would hide or turn its neighbours is named, and its direction ends with it."""
    if value is None:
        return format_html('<span class="missing">{}</span>', shown.MISSING)
    parts = (("odd" if odd else "", piece) for odd, piece in shown.pieces(str(value)))
    inner = format_html_join("", "{}", ((format_html('<span class="odd">{}</span>', piece) if odd else piece,) for odd, piece in parts))
    return format_html("<bdi>{}</bdi>", inner)


@register.filter
def plainly(value: object) -> str:
    """The same for attributes, where no mark can stand."""
    return shown.plain("" if value is None else str(value))


@register.filter
def count(value: int | None) -> str:
    """A whole number."""
    return shown.count(value)


@register.filter
def decimals(value: Fraction | Decimal | None, digits: int = 1) -> str:
    """An exact value to so many decimals."""
    return shown.decimal(value, digits)


@register.filter
def size(value: int) -> str:
    """A number of bytes."""
    return shown.size(value)


@register.filter
def moment(value: str | datetime | None) -> str:
    """A moment on the region's clock."""
    return shown.moment(value, _read()[0], language())


@register.filter
def day(value: date | None) -> str:
    """A day."""
    return shown.day(value.date() if isinstance(value, datetime) else value, language())


@register.filter
def iso(value: str) -> str:
    """The day of an ISO text."""
    return shown.day(date.fromisoformat(value[:10]), language()) if value else shown.MISSING


@register.filter
def period(value: str) -> str:
    """A period by its text."""
    return shown.period(value, language())


@register.filter
def named(unit: str) -> str:
    """An organisation by its name in the language in force, its id where it has none."""
    names = _read()[1].get(unit)
    return shown.plain(names[1 if language() == "zh" else 0] if names else unit)


@register.filter
def said(titles: Mapping[str, str]) -> str:
    """Of texts by language the one in force."""
    return titles.get(language()) or titles.get("en") or ""


@register.filter
def item(mapping: Mapping[Any, Any], key: object) -> object:
    """A value by its key; None where there is none."""
    return mapping.get(key)


@register.filter
def coordinate(value: float) -> str:
    """A number of a drawing, as SVG writes it whatever the language."""
    return f"{value:g}"


@register.filter
def worded(value: str) -> str:
    """A word of the glossary in the language in force."""
    return t(value) if value else ""


@register.filter
def directed(direction: str) -> str:
    """Which way is better, as the word after "better is"."""
    return t({"monitor": "neither", "target": "within its band"}.get(direction, direction))


_RECORDED = {
    "condition_occurrence": "diagnoses",
    "procedure_occurrence": "procedures",
    "measurement": "measurements",
    "drug_exposure": "drugs",
    "observation": "observations",
}


@register.filter
def recorded(table: str) -> str:
    """What a table holds, in a word for people."""
    return t(_RECORDED.get(table, table))


@register.filter
def share(part: int, whole: int) -> str:
    """A part of a whole in per cent."""
    return shown.share(part, whole)


@register.filter
def signed(value: Fraction | Decimal | int | None, digits: int = 0) -> str:
    """A change with its sign."""
    return shown.signed(value, digits)


@register.filter
def missing_reason(value: Value) -> str:
    """Why a value is missing."""
    if not value.expected:
        return t("no organisation here in this period")
    if not value.reporting:
        return t("nobody reported")
    return t("nothing to divide by") if None not in value.points.values() else t("no case")


@register.simple_tag(takes_context=True)
def load_path(context: Mapping[str, Any], unit: str) -> list[dict[str, Any]]:
    """The way from the top of the tree to a unit: name, address of the same page for it, and whether it is open to the reader."""
    tree, link, code = present().tree(), context.get("link", "organisation"), context.get("path_code")
    steps = []
    for one in tree.path(unit):
        address = reverse("indicator", args=[code]) + f"?{context.get('path_query', '')}unit={quote(one)}" if code else _unit_address(link, one)
        steps.append({"name": named(one), "address": address, "open": one in context["reading"].scope.units})
    return steps


def _unit_address(link: str, unit: str) -> str:
    return reverse(link, args=[unit]) if link == "organisation" else f"{reverse(link)}?unit={quote(unit)}"


@register.filter
def measured(value: float | None, digits: int = 1) -> str:
    """A limit, which is a measurement and no exact value."""
    return shown.MISSING if value is None else shown.decimal(Fraction(value), digits)


@register.filter
def contribution(value: Decimal | None) -> str:
    """What a record adds to a point; whole numbers without decimals."""
    if value is None:
        return ""
    return shown.decimal(value, 0 if value == value.to_integral_value() else 2)


@register.filter
def held(part: Share, indicator: Indicator) -> str:
    """What a part of a change held of a period: numerator over denominator, or the number itself."""
    top = _number(part.numerator)
    return f"{top} / {_number(part.denominator)}" if indicator.denominator else top


@register.filter
def below(value: Value, indicator: Indicator) -> str:
    """The denominator of a value."""
    parts = [value.points[code] for code in indicator.denominator]
    known = [part for part in parts if part is not None]
    return _number(sum(known, Fraction(0))) if len(known) == len(parts) else shown.MISSING


def _number(value: Fraction) -> str:
    return shown.decimal(value, 0 if value.denominator == 1 else 2)


@register.filter
def point_value(value: Fraction | None) -> str:
    """What a point is: whole numbers without decimals."""
    return shown.MISSING if value is None else _number(value)


@register.filter
def tail(value: object) -> str:
    """The last digits of a long id; the whole stands beside it for who reads by ear."""
    text = str(value)
    return f"…{text[-8:]}" if len(text) > 9 else text


@register.filter
def percent(part: int, whole: int) -> str:
    """The width of a bar of 100."""
    return f"{100 * part / whole:.1f}" if whole else "0"


@register.filter
def row_y(number: int) -> int:
    """The height of a row's text in the figure of a template."""
    return number * ROW + ROW // 2 + 4


@register.filter
def anchor(word: str) -> str:
    """The place of a word on the glossary's page."""
    return anchored(word)


@register.filter
def mark(value: str) -> str:
    """A delimiter by a name where it cannot be seen."""
    return {"\t": "TAB", " ": "SPACE", "\x01": "SOH", "\x1f": "US"}.get(value, shown.plain(value))


@register.filter
def plus(value: float, more: int) -> float:
    """A sum, for places in a drawing."""
    return value + int(more)


@register.filter
def plus_one(value: int) -> int:
    """A place counted from 1."""
    return value + 1


@register.filter
def last_byte(place: RecordPlace) -> int:
    """The offset of a record's last byte."""
    return place.offset + place.length - 1


@register.filter
def line_of(place: str) -> str:
    """The line in "file:line"."""
    return place.rpartition(":")[2]


@register.filter
def file_name(place: str) -> str:
    """A place without the folders before its file."""
    return place.rpartition("/")[2]
