"""The page of one row: what it says, which template lines made it, and the bytes it came from."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from suwen.flow.history import master_of
from suwen.flow.trace import Trace
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import WHOLE, Resource
from suwen.serve.console.published import Published
from suwen.serve.console.record_page import organisations_behind, record_page, traced
from suwen.serve.console.views.reading import page, reading, told
from suwen.serve.gate import may, needs, require, sees_identity


@needs(Action.RECORDS)
@told
def record(request: HttpRequest, table: str, row: str) -> HttpResponse:
    """One row and the way back to its bytes."""
    at = reading(request, Action.RECORDS)
    trace = traced(at.release, table, row)
    units = organisations_behind(at.release, trace) or [WHOLE]  # a row worked out from others may come from all of them
    for unit in units:
        require(request, Action.RECORDS, Resource(unit))
    subject = subject_of(at.release, trace)
    held = {
        "made": record_page(at.release, trace, open_identity=all(sees_identity(request, unit, subject) for unit in units)),
        "table": table,
        "units": units,
        "unit": units[0],
        "subject": subject,
        "raw": all(may(request, Action.RAW, Resource(unit)) for unit in units),
        "may_open": all(may(request, Action.OPEN_IDENTITY, Resource(unit)) for unit in units),
        "person_id": trace.row.get("person_id"),
    }
    return page(request, "console/record.html", held, at)


def subject_of(published: Published, trace: Trace) -> str:
    """Of whom a row tells, as the audit names it: the human, else the row itself."""
    person = trace.row.get("person_id")
    return f"person {master_of(published.opened, int(str(person)))}" if person is not None else f"{trace.table} {trace.id}"
