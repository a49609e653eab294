"""Signing in and out, as a browser does it."""

from __future__ import annotations

from tests.integration.served import PASSWORD, Served


def test_a_person_signs_in_sees_the_region_and_signs_out(served: Served) -> None:
    client = served.client()
    assert client.get("/").headers["Location"] == "/sign-in?next=%2F"
    answer = client.post("/sign-in", {"name": " Analyst", "password": PASSWORD, "next": "/account"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account")
    assert served.region.name in client.get("/").content.decode()
    assert client.post("/sign-out").headers["Location"] == "/sign-in"
    assert client.get("/").status_code == 302
