"""One human across organisations: the visits in the order of time, names and numbers masked unless they were opened for a purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse

from suwen.base.errors import SuwenError
from suwen.engine.sql import col, in_numbers, statement
from suwen.flow.history import History, history
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import Resource
from suwen.govern.policy.masks import masked_row
from suwen.serve.console.published import Published
from suwen.serve.console.timeline import kind_of, timeline
from suwen.serve.console.views.reading import page, reading, told
from suwen.serve.gate import may, needs, require, sees_identity

_IDENTIFIERS = "ext_person_identifier"


@needs(Action.RECORDS)
@told
def person(request: HttpRequest, person: int) -> HttpResponse:
    """The timeline of one human; organisations whose records are not open to the reader are left out, and counted."""
    at = reading(request, Action.RECORDS)
    if person >= 1 << 63:
        raise SuwenError("this is not the number of a person", expected="a person_id")
    published = at.release
    known = published.once(("history", person), lambda: history(published.opened, person, published.organisations))
    patients = [one for one in known.patients if one.organisation in at.scope.units]
    if not patients:  # nothing of this human is open: the same answer whoever they are
        require(request, Action.RECORDS, Resource(known.patients[0].organisation if known.patients else ""))
    visits = [one for one in known.visits if one.organisation in at.scope.units]
    subject = f"person {known.master}"
    open_units = {unit for unit in {one.organisation for one in patients} if sees_identity(request, unit, subject)}
    held = {
        "history": known,
        "subject": subject,
        "patients": patients,
        "hidden_patients": len(known.patients) - len(patients),
        "hidden_visits": len(known.visits) - len(visits),
        "visits": [(visit, kind_of(visit)) for visit in reversed(visits)],
        "timeline": timeline(visits),
        "identifiers": _identifiers(published, known, {one.person_id: one.organisation for one in patients}, open_units),
        "open": bool(open_units),
        "home": reading(request, Action.OPEN_IDENTITY).scope.home,
        "may_open": may(request, Action.OPEN_IDENTITY),
    }
    return page(request, "console/person.html", held, at)


def _identifiers(published: Published, known: History, owners: Mapping[int, str], open_units: set[str]) -> Sequence[Mapping[str, Any]]:
    """Names and numbers of the patients, those of organisations that are not opened masked."""
    if not published.opened.files(f"ext/{_IDENTIFIERS}") or not owners:
        return []
    query = statement(
        "select i.person_id, i.kind, i.value from {rows} i where {mine} order by i.kind, i.person_id, i.person_identifier_id",
        rows=published.opened.view(f"ext.{_IDENTIFIERS}"),
        mine=in_numbers(col("person_id", "i"), sorted(owners)),
    )
    found: dict[tuple[str, Any, bool], dict[str, None]] = {}
    for row in published.opened.ask(query).to_pylist():
        organisation = owners[row["person_id"]]
        is_open = organisation in open_units
        shown = row if is_open else masked_row(_IDENTIFIERS, row)
        found.setdefault((row["kind"], shown["value"], is_open), {})[organisation] = None
    return [{"kind": kind, "value": value, "masked": not is_open, "organisations": list(of)} for (kind, value, is_open), of in found.items()]
