"""One human across organisations, as far as these are open."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path

from suwen.base.errors import SuwenError
from suwen.flow.history import History, history
from suwen.govern.policy.actions import Action
from suwen.serve.api.asking import Asking, asking, hidden, no_such
from suwen.serve.api.door import answers
from suwen.serve.api.forms import json_only
from suwen.serve.api.routes.tables import number
from suwen.serve.api.shapes import Answer, Id, Schema, told

PersonId = Annotated[Id, Path(description="A person_id, in digits.")]


class OnePatient(Schema):
    """An organisation's patient."""

    person_id: str = told("Its id.", "患者")
    organisation: str = told("The organisation.", "机构")
    year_of_birth: int | None = told("The year of birth.", "出生年")
    gender_concept_id: int | None = told("The concept of the sex.", "性别概念")
    method: str = told("How it is linked to its master.", "关联方法")
    reason: str = told("Why.", "理由")


class OneVisit(Schema):
    """A visit."""

    visit_occurrence_id: str = told("Its id.", "就诊")
    person_id: str = told("The organisation's patient.", "患者")
    organisation: str = told("The organisation.", "机构")
    visit_concept_id: int = told("What kind of visit it is.", "就诊类型")
    start: str = told("Its first day.", "开始")
    end: str | None = told("Its last day; null while it is not over.", "结束")
    department: str = told("The department as sent.", "科室")
    diagnoses: list[str] = told("The first diagnosis codes as sent.", "诊断编码")
    counts: dict[str, int] = told("Table -> rows recorded at it.", "记录数")


class Timeline(Answer):
    """A human's patients and visits, in the order of time; only those of open organisations."""

    master: str = told("The master person.", "主索引患者")
    patients: list[OnePatient]
    visits: list[OneVisit]
    more: int = told("Visits beyond those read, at any organisation.", "未列出就诊数")


@answers("persons/{person}", Timeline, Action.RECORDS, tag="persons")
def person_timeline(request: HttpRequest, person: PersonId) -> object:
    """The timeline of the human whom a patient is."""
    json_only(request)
    asked = asking(request, Action.RECORDS)
    made = _history(asked, number(person, "person") or 0)
    patients = [one for one in made.patients if asked.sees(one.organisation)]
    if not patients:
        raise hidden(request, Action.RECORDS, made.patients[0].organisation if made.patients else "", "person", person)
    return {
        "release": asked.release, "master": str(made.master), "more": made.more if asked.units is None else 0,
        "patients": [_patient(one) for one in patients],
        "visits": [_visit(one) for one in made.visits if asked.sees(one.organisation)],
    }  # fmt: skip


def _history(asked: Asking, person: int) -> History:
    try:
        return history(asked.published.opened, person, asked.published.organisations)
    except SuwenError:
        raise no_such("person", str(person)) from None


def _patient(one: Any) -> dict[str, Any]:
    return {
        "person_id": str(one.person_id), "organisation": one.organisation, "year_of_birth": one.year_of_birth, "gender_concept_id": one.gender,
        "method": one.method, "reason": one.reason,
    }  # fmt: skip


def _visit(one: Any) -> dict[str, Any]:
    return {
        "visit_occurrence_id": str(one.visit_id), "person_id": str(one.person_id), "organisation": one.organisation, "visit_concept_id": one.concept_id,
        "start": one.start.isoformat(), "end": one.end.isoformat() if one.end else None, "department": one.department, "diagnoses": one.diagnoses,
        "counts": one.counts,
    }  # fmt: skip
