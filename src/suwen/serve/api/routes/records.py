"""The records behind a value: the rows that count for it; each leads on to its bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
from django.http import HttpRequest

from suwen.flow.answers import Answers
from suwen.flow.value_records import CountedRecord
from suwen.flow.value_records import records as records_behind
from suwen.govern.policy.actions import Action
from suwen.insight.indicator.value import span
from suwen.model.indicator import Indicator, Span
from suwen.serve.api.asking import asking
from suwen.serve.api.door import answers
from suwen.serve.api.forms import Form, form_of, streamed
from suwen.serve.api.numbers import decimal
from suwen.serve.api.routes.indicators import declared
from suwen.serve.api.routes.values import FORMS, batch
from suwen.serve.api.shapes import AfterText, Bom, FormAsked, Key, Limit, Listed, Period, Schema, Unit, told

_AT_ONCE = 20_000


class Counted(Schema):
    """A row that counts."""

    table: str = told("Its table.", "表")
    id: str = told("Its id; /tables/cdr.TABLE/rows/ID/trace leads on.", "标识")
    organisation: str = told("Whose row it is.", "机构")
    day: str = told("The day on which it counts.", "日期")
    person_id: str | None = told("The organisation's patient.", "患者")
    points: dict[str, str] = told("What each point takes of it.", "统计点")


class Records(Listed):
    """Records behind a value."""

    code: str = told("The indicator.", "指标")
    unit: str = told("The organisation.", "机构")
    period: str = told("The period.", "时段")
    items: list[Counted]


@answers("indicators/{code}/records", Records, Action.RECORDS, tag="indicators", forms=FORMS)
def indicator_records(
    request: HttpRequest, code: Key, unit: Unit, period: Period, after: AfterText = "", limit: Limit = 100, format: FormAsked = "", bom: Bom = False
) -> object:
    """The records behind a unit's value in a period, by day; CSV and Arrow hold all of them from `after` on.

    Of organisations that lay below the unit then, and are not open to the account today, none are listed.
    """
    asked, form = asking(request, Action.RECORDS), form_of(request, format)
    indicator = declared(asked, code)
    asked.demand(Action.RECORDS, unit)
    answering = asked.published.answers
    if form is not Form.JSON:
        schema = _schema(indicator)
        batches = _batches(answering, indicator, unit, span(period), after, schema, asked.units)
        return streamed(form, schema, batches, release=asked.release, name=f"{code}-{unit}-{period}-records", bom=bom)
    found = records_behind(answering, code, unit, span(period), after=after, limit=limit + 1, within=asked.units)
    following = found[limit - 1].key if len(found) > limit else ""
    items = [_item(one) for one in found[:limit]]
    return {"release": asked.release, "next": following, "code": code, "unit": unit, "period": period, "items": items}


def _item(one: CountedRecord) -> dict[str, Any]:
    return {
        "table": one.table, "id": str(one.id), "organisation": one.organisation, "day": one.day.isoformat(),
        "person_id": None if one.person_id is None else str(one.person_id), "points": {point: decimal(number) for point, number in one.points.items()},
    }  # fmt: skip


def _schema(indicator: Indicator) -> pa.Schema:
    fixed = [("table", pa.string()), ("id", pa.int64()), ("organisation", pa.string()), ("day", pa.date32()), ("person_id", pa.int64())]
    return pa.schema([*fixed, *((point, pa.decimal128(38, 8)) for point in indicator.used)])


def _batches(
    answering: Answers, indicator: Indicator, unit: str, period: Span, after: str, schema: pa.Schema, within: Collection[str] | None
) -> Iterator[pa.RecordBatch]:
    while found := records_behind(answering, indicator.code, unit, period, after=after, limit=_AT_ONCE, within=within):
        rows = [(one.table, one.id, one.organisation, one.day, one.person_id, *_points(one, indicator)) for one in found]
        yield batch(rows, schema)
        after = found[-1].key
        if len(found) < _AT_ONCE:
            return


def _points(one: CountedRecord, indicator: Indicator) -> tuple[str | None, ...]:
    return tuple(None if (number := one.points.get(point)) is None else decimal(number, 8) for point in indicator.used)
