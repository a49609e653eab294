"""Every address of the router, tried as every role and as nobody, against one table; an address that is not in the table fails."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from suwen.govern.policy.actions import Action, Role
from tests.integration.served import PEOPLE, Served

ROLES = ("nobody", *sorted(PEOPLE))


def table() -> list[dict[str, str]]:
    text = (Path(__file__).parent / "table.csv").read_text("utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def routes(patterns: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every route of the router with its view."""
    for one in patterns:
        if hasattr(one, "url_patterns"):
            yield from routes(one.url_patterns, before + str(one.pattern))
        else:
            yield before + str(one.pattern), one.callback


def router() -> dict[str, Any]:
    from django.urls import get_resolver  # noqa: PLC0415 the router can be read only once Django knows the region

    return dict(routes(get_resolver().url_patterns))


def outcome(served: Served, name: str, example: str, method: str) -> str:
    """How a request ends: `in`, `out`, `sign-in`, or where else it was sent before it could be answered."""
    client = served.client("" if name == "nobody" else name)
    answer = getattr(client, method.lower())(example.format(**filled(example, name)))
    if answer.status_code == 302 and "?next=" in answer.headers["Location"]:
        return str(answer.headers["Location"]).partition("?")[0].removeprefix("/")
    assert answer.status_code < 500
    return "out" if answer.status_code in (401, 403) else "in"


def filled(example: str, name: str) -> dict[str, int]:
    """What the holes of an example stand for: made anew, since a request may change them."""
    from suwen.govern.people import accounts  # noqa: PLC0415
    from suwen.govern.people.models import User  # noqa: PLC0415
    from suwen.govern.people.tokens import make_token  # noqa: PLC0415

    if "{token}" in example:
        owner = accounts.account(name if name != "nobody" else "viewer")
        return {"token": make_token(owner, "table", [Action.VALUES], timedelta(days=1))[0].pk}
    if "{" not in example:
        return {}
    user = User.objects.create(name=f"{name}-looks-{User.objects.count()}")
    binding = accounts.bind(user, Role.STEWARD, "" if "{chief}" in example else "H0001", "tests")
    return {"bystander": user.pk, "chief": user.pk, "binding": binding.pk}


def test_the_table_holds_every_route_and_no_other(served: Served) -> None:
    pages = {route for route in router() if not route.startswith("api/")}  # test_api_access.py holds those of the API
    assert {row["route"] for row in table()} == pages


def test_every_view_says_what_it_needs(served: Served) -> None:
    assert not [route for route, view in router().items() if getattr(view, "need", None) is None]


@pytest.mark.parametrize("row", table(), ids=lambda row: f"{row['method']} {row['example']}")
def test_everybody_gets_in_where_the_table_says(served: Served, row: dict[str, str]) -> None:
    methods = ("GET", "POST") if row["method"] == "both" else (row["method"],)
    found = {(name, method): outcome(served, name, row["example"], method) for name in ROLES for method in methods}
    assert found == {(name, method): row[name] for name in ROLES for method in methods}


def test_an_address_without_declared_policy_is_refused(served: Served) -> None:
    from django.http import HttpResponse  # noqa: PLC0415
    from django.test import RequestFactory  # noqa: PLC0415

    from suwen.govern.people.accounts import account  # noqa: PLC0415
    from suwen.govern.people.actors import actor_of  # noqa: PLC0415
    from suwen.serve.gate import Gate  # noqa: PLC0415

    request = RequestFactory().get("/new")
    request.user = account("administrator")
    request.actor = actor_of(request.user)
    answer = Gate(lambda _: HttpResponse()).process_view(request, lambda _: HttpResponse(), (), {})
    assert answer is not None and answer.status_code == 403
    assert "POL-090" in answer.content.decode()
