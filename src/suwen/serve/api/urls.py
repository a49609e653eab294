"""Addresses of the API, each with what it needs; only GET is known, parameters that are not are refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from math import ceil
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path

from suwen.govern.policy.actions import Action
from suwen.serve.api.door import NEEDS, api
from suwen.serve.api.faults import Fault, of_fault
from suwen.serve.api.limits import RATE, caller
from suwen.serve.api.routes import feeds, glossary, indicators, organisations, own, persons, quarantine, records, releases, tables, traces, values
from suwen.serve.gate import needs

ROOT = "api/v1/"
# Importing them has put their views at their addresses.
ROUTES = (own, glossary, indicators, values, records, organisations, releases, tables, traces, persons, feeds, quarantine)
Answering = Callable[..., HttpResponse]


@cache
def document() -> dict[str, Any]:
    """The OpenAPI description of every address."""
    found = dict(api.get_openapi_schema(path_prefix=ROOT))
    found["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of an account, with a scope and an end."},
        "session": {"type": "apiKey", "in": "cookie", "name": "session", "description": "The session of who is signed in at the pages; reads only."},
    }
    return found


@needs(Action.CATALOGUE)
def described(request: HttpRequest) -> HttpResponse:
    """The description as JSON."""
    return JsonResponse(document(), json_dumps_params={"ensure_ascii": False})


def _door(view: Answering, name: str) -> Answering:
    """A route behind the limits; the gate has decided before it runs."""

    def answered(request: HttpRequest, **parts: Any) -> HttpResponse:
        try:
            _check(request, name)
        except Fault as fault:
            return of_fault(fault)
        return view(request, **parts)

    answered.need = NEEDS.get(name, described.need)  # type: ignore[attr-defined]
    answered.__name__ = name
    return answered


def _check(request: HttpRequest, name: str) -> None:
    if request.method != "GET":
        raise Fault(HTTPStatus.METHOD_NOT_ALLOWED, "this address is only read", expected="GET", headers={"Allow": "GET"})
    if seconds := RATE.wait(caller(request)):
        wait = str(ceil(seconds))
        raise Fault(HTTPStatus.TOO_MANY_REQUESTS, f"more than {RATE.per_minute} requests a minute", do="ask more slowly", headers={"Retry-After": wait})
    known = parameters().get(name, frozenset())
    if unknown := sorted(set(request.GET) - known):
        raise Fault(
            HTTPStatus.BAD_REQUEST, "a parameter is not known here", where=f"query {unknown[0][:60]}", expected=", ".join(sorted(known)) or "no parameter"
        )


@cache
def parameters() -> dict[str, frozenset[str]]:
    """Operation -> the parameters of its query."""
    operations = [operation for methods in document()["paths"].values() for operation in methods.values()]
    return {one["operationId"]: frozenset(p["name"] for p in one["parameters"] if p["in"] == "query") for one in operations}


def _patterns() -> list[URLPattern]:
    inside = [one for one in api.urls[0] if one.name in NEEDS]
    return [path(f"{ROOT}{one.pattern}", _door(one.callback, one.name), name=f"api-{one.name}") for one in inside]


urlpatterns = [path(f"{ROOT}openapi.json", _door(described, "openapi"), name="api-openapi"), *_patterns()]
