"""What every answer of the server keeps to, in front of a proxy and on the own machine; the server process; the command line of a server."""

from __future__ import annotations

import io
import logging
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from suwen.cli.main import main
from suwen.flow.reader import open_release
from suwen.flow.region import create
from tests.integration.access.test_table import table
from tests.integration.served import Served

INLINE = re.compile(r"<script(?![^>]*\b(?:src=|type=\"application/json\"))[^>]*>|\bstyle\s*=|<style|\son\w+\s*=|javascript:", re.IGNORECASE)
OUTSIDE = re.compile(r"(?:src|href|action)\s*=\s*[\"'](?:https?:)?//", re.IGNORECASE)
PAGES = sorted({row["example"] for row in table() if "{" not in row["example"]})


@pytest.mark.parametrize("path", PAGES)
def test_every_page_carries_the_headers_and_nothing_inline_or_from_outside(served: Served, path: str) -> None:
    answer = served.client("administrator").get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
    expected = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
    assert expected.items() <= dict(answer.headers).items()
    assert "Server" not in answer.headers and "X-Powered-By" not in answer.headers
    text = answer.content.decode() if not answer.streaming and answer.headers.get("Content-Type", "").startswith("text/html") else ""
    assert not INLINE.findall(text) and not OUTSIDE.findall(text)


@pytest.mark.parametrize("name", ["session", "csrf"])
def test_cookies_are_hidden_from_scripts_and_other_sites(served: Served, name: str) -> None:
    client = served.client("viewer")
    client.get("/account")
    client.post("/account", {"language": "en", "theme": "auto"})
    cookie = client.cookies[name]
    assert name != "csrf" or cookie["httponly"]
    assert name != "csrf" or cookie["samesite"] == "Strict"


def test_what_is_wrong_is_told_without_values(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(logging.getLogger("django").handlers[0], "stream", log)

    def broken() -> None:
        raise ValueError("the patient 张三 of 440301199001011237")

    monkeypatch.setattr("suwen.serve.administration.trail.verify", broken)
    client = served.client("administrator", raise_request_exception=False)
    answer = client.post("/audit/verify?name=李四")
    told = log.getvalue()
    assert answer.status_code == 500 and "our mistake" in answer.content.decode()
    for text in (answer.content.decode(), told):
        assert not re.search("张三|李四|440301", text)
    assert "ValueError" in told and "/audit/verify" in told
    assert client.get("/no/such/page").status_code == 404
    assert client.get("/account", headers={"Host": "elsewhere.example"}).status_code == 400


def test_hostile_texts_come_out_as_texts(served: Served) -> None:
    hostile = "<script>alert(1)</script>\u202e\0'\"><img src=x onerror=alert(1)>"
    client = served.client("administrator")
    for path in ("/audit?actor=", "/sign-in?next=", "/identity/open?unit="):
        body = client.get(path + urllib.request.quote(hostile)).content.decode()
        assert "<script>alert" not in body and "<img" not in body
    client.post("/sign-in", {"name": hostile, "password": hostile})
    client.post("/people/invite", {"name": hostile, "full_name": hostile})
    client.post("/identity/open", {"unit": hostile, "subject": hostile, "purpose": hostile})
    assert "<script>alert" not in client.get("/audit").content.decode()


def test_assets_come_from_packages_and_no_folder_can_be_left(served: Served) -> None:
    client = served.client()
    for path in ("/static/suwen/suwen.css", "/static/plotly/plotly.min.js", "/static/django_htmx/htmx-2.min.js"):
        answer = client.get(path)
        assert answer.status_code == 200 and b"".join(answer.streaming_content)
        answer.close()
    for path in ("/static/../settings.py", "/static/%2e%2e/%2e%2e/govern/settings.py", "/static/plotly/../../django/__init__.py"):
        assert client.get(path).status_code == 404


PRODUCTION = """
import sys
from pathlib import Path
from suwen.flow.region import open_region
from suwen.govern.settings import configure
configure(open_region(Path(sys.argv[1])))
from django.core.management import call_command
call_command("check", deploy=True, fail_level="DEBUG")
call_command("makemigrations", check=True, dry_run=True, verbosity=0)
from django.conf import settings
from django.test import Client
call_command("migrate", verbosity=0)
proxied = {"HTTP_HOST": "suwen.example.org", "HTTP_X_FORWARDED_PROTO": "https"}
answer = Client(**proxied).get("/sign-in")
assert answer.status_code == 200, answer.status_code
assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
assert answer.cookies["__Host-csrf"]["secure"]
assert Client(HTTP_HOST="suwen.example.org").get("/sign-in").headers["Location"] == "https://suwen.example.org/sign-in"
assert Client(**proxied | {"HTTP_HOST": "other.example.org"}).get("/sign-in").status_code == 400
print("well")
"""


def test_behind_a_proxy_djangos_checklist_is_clean(tmp_path: Path) -> None:
    create(tmp_path / "r", ["core"])
    setting = tmp_path / "r" / "region.toml"
    setting.write_text(setting.read_text("utf-8") + '\n[server]\npublic = "https://suwen.example.org"\n', encoding="utf-8")
    found = subprocess.run([sys.executable, "-W", "ignore", "-c", PRODUCTION, str(tmp_path / "r")], capture_output=True, text=True, check=False)
    assert found.stdout.endswith("well\n"), found.stderr


def test_the_server_process_prints_its_administrator_once_and_answers(tmp_path: Path) -> None:
    create(tmp_path / "r", ["core"])
    told = []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "suwen.cli.main", "serve", "--region", str(tmp_path / "r"), "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if found := re.search(r"served at (http://\S+)", line):
                break
        assert found is not None
        with urllib.request.urlopen(f"{found[1]}/sign-in") as answer:
            assert "Sign in" in answer.read().decode()
        process.terminate()  # as a service is ended; a background job of a shell does not hear Ctrl+C
        process.communicate(timeout=60)
        assert process.returncode in (0, -signal.SIGTERM)
        told.append("".join(lines))
    assert re.search(r"name admin, password [a-z2-9-]{27} \(not shown again\)", told[0]) and "password" not in told[1]
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "r").iterdir() if path.name.startswith(("control", "secrets"))}
    assert modes and set(modes.values()) == {0o600}


def test_the_server_is_not_offered_to_other_machines_without_https(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    create(tmp_path / "r", ["core"])
    assert main(["serve", "--region", str(tmp_path / "r"), "--address", "0.0.0.0"]) == 2
    assert "nothing here speaks https" in capsys.readouterr().err
    assert not (tmp_path / "r" / "control.db").exists()


@pytest.fixture
def asks_for_a_token(served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The region's command line as a server's; gives a function that runs a command with the token of an account."""
    setting = served.region.folder / "region.toml"
    before = setting.read_text("utf-8")
    setting.write_text(before + '\n[server]\naccess = "server"\n', encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))

    def command(name: str, *words: str) -> int:
        from suwen.govern.people.accounts import account  # noqa: PLC0415
        from suwen.govern.people.tokens import SCOPES, make_token  # noqa: PLC0415

        monkeypatch.setenv("SUWEN_TOKEN", make_token(account(name), "command", SCOPES, timedelta(days=1))[1] if name else "")
        return main([*words, "--region", str(served.region.folder)])

    yield command
    setting.write_text(before, encoding="utf-8")


def test_on_a_server_the_command_line_asks_the_same_decisions(served: Served, asks_for_a_token: Any, capsys: pytest.CaptureFixture[str]) -> None:
    question = ("query", "select count(*) from person")
    assert [asks_for_a_token(name, *question) for name in ("", "viewer", "analyst", "steward", "administrator")] == [2, 2, 2, 2, 0]
    assert "Nobody is signed in" in capsys.readouterr().err
    value = ("indicator", "value", "SV01", "--period", "2024", "--unit", "H0001")
    assert [asks_for_a_token(name, *value) for name in ("", "district-analyst", "steward", "viewer")] == [2, 2, 0, 0]
    assert asks_for_a_token("steward", "quarantine", "list") == 2  # over one hospital, not the region
    assert asks_for_a_token("administrator", "quarantine", "list") == 0


def test_on_a_server_a_trace_is_masked(served: Served, asks_for_a_token: Any, capsys: pytest.CaptureFixture[str]) -> None:
    opened = open_release(served.region.folder)
    row = opened.query(
        "select person_identifier_id, value from ext.ext_person_identifier where kind = 'name' and _receipt in "
        "(select receipt from state.receipt where organisation = 'H0001') limit 1"
    ).to_pylist()[0]
    words = ("trace", "ext_person_identifier", str(row["person_identifier_id"]))
    assert main([*words, "--region", str(served.region.folder)]) == 2
    assert asks_for_a_token("viewer", *words) == 2 and asks_for_a_token("district-analyst", *words) == 2
    capsys.readouterr()
    assert asks_for_a_token("steward", *words) == 0
    masked = capsys.readouterr().out
    assert row["value"] not in masked and row["value"][0] in masked
    from suwen.govern.people.accounts import account  # noqa: PLC0415
    from suwen.govern.people.openings import close_identity, open_identity  # noqa: PLC0415
    from suwen.govern.policy.actors import Resource  # noqa: PLC0415

    open_identity(account("steward"), Resource("H0001"), "call the patient back", code="POL-001")
    assert asks_for_a_token("steward", *words) == 0
    assert row["value"] in capsys.readouterr().out
    close_identity(account("steward"))


def test_a_wrong_token_file_is_nobody(served: Served, asks_for_a_token: Any, tmp_path: Path) -> None:
    (tmp_path / ".config" / "suwen").mkdir(parents=True)
    (tmp_path / ".config" / "suwen" / "token").write_text("suwen_wrong\n", encoding="utf-8")
    assert asks_for_a_token("", "query", "select 1") == 2
    assert os.environ["SUWEN_TOKEN"] == ""
