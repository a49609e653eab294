"""A served region under attack: what is refused with which code, and that nothing personal, no defect and no lasting harm comes of it."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from suwen.cli.main import main
from suwen.flow.region import create
from tests.integration.api_callers import Caller, token_of
from tests.integration.served import PASSWORD, Served

MONTH = {"unit": "990000", "period": "2025-01"}


@pytest.fixture
def log(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the server writes into its log."""
    told = io.StringIO()
    for handler in {*logging.getLogger("django").handlers, *(one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler)}:
        monkeypatch.setattr(handler, "stream", told)
    yield told


def asked(path: str, content_type: str) -> tuple[str, str]:
    """Status and body of a GET as the server process gets it."""
    from suwen.serve.wsgi import application  # noqa: PLC0415 after Django knows the region

    given: list[str] = []
    address, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": address, "QUERY_STRING": query, "CONTENT_TYPE": content_type, "HTTP_HOST": "localhost",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "REMOTE_ADDR": "10.255.0.1", "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http",
    }  # fmt: skip
    body = b"".join(application(environ, lambda status, headers: given.append(status)))
    return given[0].partition(" ")[0], body.decode()


@pytest.mark.parametrize("charset", ["hex", "base64", "idna", "undefined", "raw_unicode_escape", "utf-16", "utf-7", "gbk", "no-such"])
@pytest.mark.parametrize("path", ["/sign-in?next=%2F%5cud800+2AA-", "/api/v1/me?x=%5cud800"])
def test_a_request_in_another_charset_is_refused_with_400(served: Served, path: str, charset: str) -> None:
    status, body = asked(path, f"text/plain; charset={charset}")
    assert status == "400" and "Traceback" not in body
    assert not path.startswith("/api/") or '"API-400"' in body


@pytest.mark.parametrize("content_type", ["text/plain; x*=bogus''%41", "multipart/form-data; boundary*=bogus''%41"])
def test_a_header_that_cannot_be_read_is_refused_with_400(served: Served, content_type: str) -> None:
    assert asked("/sign-in", content_type)[0] == "400"


@pytest.mark.parametrize("content_type", ["", "text/plain", "text/plain; charset=UTF-8", 'application/x-www-form-urlencoded; charset="utf8"'])
def test_utf_8_is_answered(served: Served, content_type: str) -> None:
    assert asked("/sign-in", content_type)[0] == "200"


@pytest.mark.parametrize("fields", [{"name": "x" * (1 << 20)}, {f"field-{number}": "" for number in range(201)}], ids=["1 MB", "201 fields"])
def test_a_form_that_is_too_large_is_refused_with_400(served: Served, fields: dict[str, str]) -> None:
    assert served.client().post("/sign-in", fields).status_code == 400


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_an_address_that_only_shows_is_only_read(served: Served, method: str) -> None:
    assert getattr(served.client("administrator"), method)("/indicators/SV01").status_code == 405
    assert Caller(served, token=token_of(served, "administrator")).get("me", method=method).status == 405


@pytest.mark.parametrize("period", ["0001", "0001-01", "0001-Q1", "0001-01-01", "0002", "9999", "9999-12-31"])
@pytest.mark.parametrize("part", ["", "/why", "/records"])
def test_a_period_at_the_end_of_the_calendar_has_no_page(served: Served, period: str, part: str) -> None:
    assert served.client("administrator").get(f"/indicators/SV01{part}?period={period}").status_code == 404


HOSTILE_KEYS = ["2025-01-01|x|y|9223372036854775808", "2025-01-01|x|y|-9" + "9" * 30, f"2025-01-01|{'z' * 500}|y|1", "2025-01-01|x|y|1|2", "|||", "\0"]


@pytest.mark.parametrize("after", HOSTILE_KEYS)
def test_a_key_that_no_record_has_is_refused(served: Served, after: str) -> None:
    """404 at a page, 400 from the API; nothing is remembered of it."""
    assert served.client("administrator").get("/indicators/SV01/records", {**MONTH, "after": after}).status_code == 404
    assert Caller(served, token=token_of(served, "administrator")).get("indicators/SV01/records", **MONTH, after=after).status == 400


@pytest.mark.parametrize("file", ["organisations.csv", "region.toml"])
def test_files_that_were_damaged_are_told_as_503_and_in_the_log_once(served: Served, log: io.StringIO, file: str) -> None:
    path, caller = served.region.folder / file, Caller(served, token=token_of(served, "administrator"))
    client = served.client("administrator", raise_request_exception=False)
    caller._client.raise_request_exception = False
    whole = path.read_bytes()
    try:
        path.write_bytes(b"\xffbroken")
        for address in ("/", "/account", "/sign-in", "/no/such/page"):
            answer = client.get(address)
            assert answer.status_code == 503 and str(served.folder) not in answer.content.decode()
        assert (caller.get("me").status, caller.get("me").json["error"]["code"]) == (503, "API-503")
    finally:
        path.write_bytes(whole)
    assert log.getvalue().count(f"{file}:1: ") == 1
    assert client.get("/").status_code == 200


@pytest.fixture
def full(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk on which the audit lies is full."""
    from django.db import OperationalError  # noqa: PLC0415

    from suwen.govern.audit.models import Entry  # noqa: PLC0415

    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(Entry, "save", refuse)


def test_what_cannot_be_written_down_is_not_shown(served: Served, full: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from suwen.govern.people.accounts import account  # noqa: PLC0415
    from suwen.govern.people.models import IdentityOpening  # noqa: PLC0415

    client = served.client("steward", raise_request_exception=False)
    answer = client.post("/identity/open", {"unit": "H0001", "subject": "", "purpose": "call the patient back"})
    assert answer.status_code == 503 and not IdentityOpening.objects.filter(user__name="steward", subject="", unit="H0001", purpose="x").exists()
    assert client.post("/people/invite", {"name": "x", "full_name": ""}).status_code == 503  # a refusal too
    monkeypatch.undo()
    from suwen.govern.people.openings import close_identity, open_identity  # noqa: PLC0415
    from suwen.govern.policy.actors import Resource  # noqa: PLC0415

    open_identity(account("steward"), Resource("H0001"), "call the patient back", code="POL-001")
    token, asking = token_of(served, "steward"), {"organisation": "H0001", "identities": "true"}
    try:
        for form, shown in (("json", 200), ("csv", 200)):
            caller = Caller(served, token=token)
            assert caller.get("tables/ext.ext_person_identifier/rows", **asking, format=form).status == shown
            with monkeypatch.context() as meanwhile:
                meanwhile.setattr("suwen.govern.audit.chain.seal", _full)
                caller._client.raise_request_exception = False
                got = caller.get("tables/ext.ext_person_identifier/rows", **asking, format=form)
                assert (got.status, got.json["error"]["code"]) == (503, "API-503")
    finally:
        close_identity(account("steward"))


def _full(*_: Any) -> str:
    from django.db import OperationalError  # noqa: PLC0415

    raise OperationalError("database or disk is full")


def test_the_log_of_what_lies_below_tells_no_message(served: Served, log: io.StringIO) -> None:
    try:
        raise ValueError("the patient 张三 of 440301199001011237")
    except ValueError:
        logging.getLogger("waitress").exception("while serving %s", "/persons/张三")
    assert "ValueError" in log.getvalue() and "张三" not in log.getvalue() and "440301" not in log.getvalue()


def test_nobody_is_shut_out_of_a_browser_they_know_by_failures_of_others(served: Served) -> None:
    served.add("besieged")
    own, other = served.client(), served.client()
    assert own.post("/sign-in", {"name": "besieged", "password": PASSWORD}).status_code == 302
    own.post("/sign-out")
    for _ in range(6):
        other.post("/sign-in", {"name": "besieged", "password": "wrong"})
    assert served.client().post("/sign-in", {"name": "besieged", "password": PASSWORD}).status_code == 200  # from elsewhere: shut
    assert own.post("/sign-in", {"name": "besieged", "password": PASSWORD}).status_code == 302
    own.post("/sign-out")
    for _ in range(5):
        own.post("/sign-in", {"name": "besieged", "password": "wrong"})
    assert own.post("/sign-in", {"name": "besieged", "password": PASSWORD}).status_code == 200  # its own failures count


def test_a_known_browser_ends_with_the_password_and_is_no_others(served: Served) -> None:
    user = served.add("moved-on")
    served.add("neighbour")
    client = served.client()
    client.post("/sign-in", {"name": "moved-on", "password": PASSWORD})
    client.post("/sign-out")
    for name in ("moved-on", "neighbour"):
        for _ in range(5):
            served.client().post("/sign-in", {"name": name, "password": "wrong"})
    assert client.post("/sign-in", {"name": "neighbour", "password": PASSWORD}).status_code == 200
    user.set_password(PASSWORD)  # salted anew
    user.save()
    assert client.post("/sign-in", {"name": "moved-on", "password": PASSWORD}).status_code == 200


def test_a_script_whose_token_has_ended_shuts_out_nobody_at_its_address(served: Served) -> None:
    from suwen.base.clock import now  # noqa: PLC0415
    from suwen.govern.people.models import AccessToken  # noqa: PLC0415

    ended, held = token_of(served, "viewer"), token_of(served, "viewer")
    AccessToken.objects.filter(pk=AccessToken.objects.filter(user__name="viewer").order_by("-pk")[1].pk).update(expires_at=now() - timedelta(seconds=1))
    client = served.client()
    for _ in range(31):
        assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {ended}"}).status_code == 401
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {held}"}).status_code == 200
    assert client.post("/sign-in", {"name": "viewer", "password": PASSWORD}).status_code == 302
    for _ in range(31):
        client.get("/api/v1/me", headers={"Authorization": "Bearer suwen_guessed"})
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {held}"}).status_code == 200
    assert served.client().post("/sign-in", {"name": "viewer", "password": PASSWORD}).status_code == 302


def test_names_that_hide_or_turn_are_shown_as_what_they_are(served: Served) -> None:
    administrator = served.client("administrator")
    administrator.post("/people/invite", {"name": "hostile-name", "full_name": "\u202e<b>gnorts\x1b[31m"})
    administrator.post("/account/tokens", {"label": "\u202etoken\u2028", "scope": "see values", "days": "1"})
    for page in ("/people", "/account/tokens"):
        body = administrator.get(page).content.decode()
        assert not set("\u202e\u2028\x1b") & set(body) and "<b>gnorts" not in body


def test_an_account_and_its_first_role_are_made_together(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(served.region.folder)
    assert main(["user", "add", "half-made", "--role", "viewer", "--unit", "nowhere", "--region", folder]) == 2
    assert main(["user", "add", "half-made", "--role", "viewer", "--unit", "H0001", "--region", folder]) == 0
    assert "first password" in capsys.readouterr().out


ODD = [
    ["audit", "list", "--limit", "9" * 24],
    ["audit", "verify", "--known", "9" * 5_000 + ":" + "a" * 64],
    ["serve", "--address", "::1%nowhere", "--port", "0"],
]


@pytest.mark.parametrize("words", ODD, ids=lambda words: " ".join(words[:2]))
def test_odd_arguments_are_the_users_own(served: Served, words: list[str]) -> None:
    assert main([*words, "--region", str(served.region.folder)]) == 2


def test_secrets_that_are_gone_are_not_made_anew(tmp_path: Path) -> None:
    create(tmp_path / "r", ["core"])
    command = [sys.executable, "-m", "suwen.cli.main", "user", "list", "--region", str(tmp_path / "r")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (tmp_path / "r" / "secrets.toml").unlink()
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 2 and "restore it from a copy" in found.stderr
    assert not (tmp_path / "r" / "secrets.toml").exists()


def test_a_line_of_a_source_record_cannot_act_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from suwen.cli.say import say  # noqa: PLC0415

    say(["a\x1b]0;title\x07b\x9b31m\u202ec\0\td\n"])
    assert capsys.readouterr().out == "a\ufffd]0;title\ufffdb\ufffd31m\ufffdc\ufffd\td\n\n"
