"""Signing in and out as a browser does it: lock-out, second factor, sessions that end, forms of other sites refused."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest

from suwen.base import clock
from suwen.govern.policy.actions import Role
from tests.integration.served import PASSWORD, Served, began

VIEWER = (Role.VIEWER, "H0001")


def sign_in(client: Any, name: str, password: str = PASSWORD, following: str = "") -> Any:
    return client.post("/sign-in", {"name": name, "password": password, "next": following})


def is_in(client: Any) -> bool:
    return bool(client.get("/account").status_code == 200)


def code_of(user: Any, later: int = 0) -> str:
    """What the account's authenticator shows, `later` steps of 30 seconds from now."""
    from django_otp.oath import totp  # noqa: PLC0415
    from django_otp.plugins.otp_totp.models import TOTPDevice  # noqa: PLC0415

    device = TOTPDevice.objects.get(user=user)
    return f"{totp(device.bin_key, drift=later):06d}"


def enrolled(client: Any, user: Any) -> list[str]:
    """Enrol the authenticator that the page has shown; gives the recovery codes."""
    return re.findall(r"<li><code>([^<]+)", client.post("/account/second-factor", {"code": code_of(user)}).content.decode())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call with a span of time, and it is so much later for what counts failures and sessions."""

    def moved(span: timedelta) -> None:
        for place in ("suwen.govern.people.lockout.now", "suwen.serve.sessions.now", "suwen.serve.account.sign.now"):
            monkeypatch.setattr(place, lambda: clock.now() + span)

    return moved


def test_a_person_signs_in_sees_the_region_and_signs_out(served: Served) -> None:
    client = served.client()
    assert client.get("/").headers["Location"] == "/sign-in?next=%2F"
    answer = sign_in(client, " Analyst", following="/account")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account")
    assert served.region.name in client.get("/").content.decode()
    assert client.post("/sign-out").headers["Location"] == "/sign-in"
    assert not is_in(client)


@pytest.mark.parametrize("following", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", "/\\elsewhere.example", "elsewhere"])
def test_signing_in_leads_to_no_other_site(served: Served, following: str) -> None:
    assert sign_in(served.client(), "viewer", following=following).headers["Location"] == "/"


def test_unknown_wrong_locked_and_deactivated_are_answered_alike(served: Served) -> None:
    served.add("gone")
    from suwen.govern.people import accounts  # noqa: PLC0415

    accounts.activate(accounts.account("gone"), False, "tests")
    answers = [sign_in(served.client(), *pair) for pair in (("no-such-name", "x"), ("viewer", "wrong"), ("gone", PASSWORD))]
    bodies = [re.sub(r'value="[^"]*"', "", answer.content.decode()) for answer in answers]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert "too many attempts" in bodies[0] and len(set(bodies)) == 1


def test_an_account_is_locked_after_five_failures_and_opens_again(served: Served, later: Any) -> None:
    served.add("locked")
    for _ in range(5):
        sign_in(served.client(), "locked", "wrong")  # each from another address
    assert not is_in(signed(served, "locked"))
    later(timedelta(seconds=61))
    assert is_in(signed(served, "locked"))
    later(timedelta(0))
    assert is_in(signed(served, "locked"))  # what was right has wiped the failures out


def signed(served: Served, name: str) -> Any:
    client = served.client()
    sign_in(client, name)
    return client


def test_the_wait_doubles_up_to_an_hour(served: Served, later: Any) -> None:
    from suwen.govern.people.lockout import ACCOUNT, failed, locked  # noqa: PLC0415

    waits = []
    for number in range(12):
        failed(ACCOUNT, "patient")
        waits.append(next((minutes for minutes in (61, 33, 17, 9, 5, 3, 1.5) if _is_locked_after(later, minutes)), 0))
        later(timedelta(0))
        assert locked(ACCOUNT, "patient") == (number >= 4)
    assert waits == [0, 0, 0, 0, 0, 1.5, 3, 5, 9, 17, 33, 33]


def _is_locked_after(later: Any, minutes: float) -> bool:
    from suwen.govern.people.lockout import ACCOUNT, locked  # noqa: PLC0415

    later(timedelta(minutes=minutes))
    return bool(locked(ACCOUNT, "patient"))


def test_an_address_that_tries_many_names_is_locked(served: Served) -> None:
    client = served.client()
    for number in range(30):
        sign_in(client, f"nobody-{number}", "x")
    sign_in(client, "viewer")
    assert not is_in(client)
    assert is_in(signed(served, "viewer"))  # others are not concerned


def test_the_failures_and_locks_stand_in_the_audit(served: Served) -> None:
    from suwen.govern.audit.models import Entry  # noqa: PLC0415

    served.add("watched")
    before = Entry.objects.count()
    for _ in range(5):
        sign_in(served.client(), "watched", "wrong")
    found = list(Entry.objects.order_by("number")[before:].values_list("actor", "event"))
    assert found == [("watched", "sign-in failed")] * 4 + [("watched", "locked out")]


def test_a_session_ends_when_idle_and_after_a_day_of_work(served: Served) -> None:
    client = served.client("viewer")
    began(client, ago=11 * 3600, idle=29 * 60)
    assert is_in(client)
    began(client, ago=100, idle=31 * 60)
    assert not is_in(client)
    client = served.client("viewer")
    began(client, ago=12 * 3600 + 1, idle=1)
    assert not is_in(client)


def test_a_session_that_nobody_began_is_no_session(served: Served) -> None:
    client = served.client("viewer")
    session = client.session
    del session["begun"], session["seen"]
    session.save()
    assert not is_in(client)


def test_the_session_gets_a_new_key_at_sign_in(served: Served) -> None:
    client = served.client()
    client.get("/sign-in")
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key
    client.cookies["session"] = before
    sign_in(client, "viewer")
    assert client.session.session_key not in (None, before)


def test_changing_the_password_ends_other_sessions(served: Served) -> None:
    served.add("changes", VIEWER)
    here, there = served.client("changes"), served.client("changes")
    new = "otter-marble-violin-77"
    wrong = here.post("/account/password", {"present": "not it", "new": new, "again": new})
    assert "not the present password" in wrong.content.decode()
    for weak in ("short", "123456789012", "password1234"):
        assert here.post("/account/password", {"present": PASSWORD, "new": weak, "again": weak}).status_code == 200
    assert here.post("/account/password", {"present": PASSWORD, "new": new, "again": new}).status_code == 302
    assert is_in(here) and not is_in(there)
    assert not is_in(signed(served, "changes"))


def test_the_first_password_must_be_changed_before_anything_else(served: Served) -> None:
    from suwen.govern.people import accounts  # noqa: PLC0415

    user, password = accounts.add("newcomer", "tests")
    accounts.bind(user, Role.VIEWER, "", "tests")
    client = served.client()
    sign_in(client, "newcomer", password)
    assert client.get("/").headers["Location"] == "/account/password?next=%2F"
    changed = client.post("/account/password?next=%2F", {"present": password, "new": PASSWORD, "again": PASSWORD})
    assert changed.headers["Location"] == "/"
    assert client.get("/").status_code == 200


def test_a_second_factor_is_enrolled_asked_for_and_good_once(served: Served, later: Any) -> None:
    user = served.add("careful", VIEWER)
    client = served.client("careful")
    page = client.get("/account/second-factor").content.decode()
    assert "<svg" in page and "style=" not in page
    wrong = client.post("/account/second-factor", {"code": "000000"})
    assert "not right" in wrong.content.decode()
    codes = enrolled(client, user)
    assert len(set(codes)) == 10 and all(len(one) == 14 for one in codes)

    client = served.client()
    assert sign_in(client, "careful", following="/account").headers["Location"] == "/sign-in/code"
    assert not is_in(client)
    assert client.post("/sign-in/code", {"code": code_of(user)}).status_code == 200  # used already, when it was enrolled
    assert client.post("/sign-in/code", {"code": code_of(user, 1)}).headers["Location"] == "/account"
    assert is_in(client)

    for end in (302, 200):  # a recovery code is good once
        client = served.client()
        sign_in(client, "careful")
        assert client.post("/sign-in/code", {"code": codes[0].upper()}).status_code == end

    client = served.client()
    sign_in(client, "careful")
    later(timedelta(minutes=6))
    assert client.post("/sign-in/code", {"code": codes[1]}).headers["Location"] == "/sign-in"  # too late for the second step


def test_guessing_codes_locks_the_account(served: Served) -> None:
    user = served.add("guessed", VIEWER)
    client = served.client("guessed")
    client.get("/account/second-factor")
    codes = enrolled(client, user)
    client = served.client()
    sign_in(client, "guessed")
    for number in range(5):
        client.post("/sign-in/code", {"code": f"{number:06d}"})
    assert client.post("/sign-in/code", {"code": codes[0]}).status_code == 200
    assert not is_in(client)


def test_a_setting_asks_administrators_for_a_second_factor(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace  # noqa: PLC0415

    from suwen.govern.present import Present  # noqa: PLC0415

    asking = replace(served.region, server=replace(served.region.server, second_factor="administrators"))
    monkeypatch.setattr(Present, "region", lambda _: asking)
    assert served.client("administrator").get("/").headers["Location"] == "/account/second-factor?next=%2F"
    assert served.client("viewer").get("/").status_code == 200


def test_a_form_of_another_site_is_refused(served: Served) -> None:
    client = served.client("administrator", enforce_csrf_checks=True)
    for path in ("/sign-in", "/sign-out", "/people/invite", "/account/password", "/language", "/identity/open"):
        assert client.post(path, {"name": "x"}).status_code == 403
    page = client.get("/people/invite")
    token = page.content.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    assert client.post("/people/invite", {"name": "!", "csrfmiddlewaretoken": token}).status_code == 200


def test_the_language_is_the_accounts_else_the_browsers(served: Served) -> None:
    client = served.client()
    assert "登录" in client.get("/sign-in", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}).content.decode()
    assert "Sign in" in client.get("/sign-in", headers={"Accept-Language": "fr"}).content.decode()
    client.post("/language", {"language": "zh-hans", "next": "/sign-in"})
    assert 'lang="zh-CN"' in client.get("/sign-in").content.decode()
    assert client.post("/language", {"language": "xx"}).status_code == 302


def test_time_tells_nothing_of_who_is_there(served: Served) -> None:
    """A password is hashed for an unknown name too: otherwise the answer to it would come many times sooner."""
    spans = []
    for name in ("no-such-name-either", "viewer"):
        start = time.perf_counter()
        sign_in(served.client(), name, "wrong")
        spans.append(time.perf_counter() - start)
    assert 1 / 8 < spans[0] / spans[1] < 8
