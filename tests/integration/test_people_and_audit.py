"""Accounts and roles through their pages and commands, tokens, openings of identities, and an audit that tells when it was tampered with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from suwen.base.errors import SuwenError
from suwen.cli.main import main
from suwen.govern.policy.actions import Action, Role
from suwen.govern.policy.actors import NOBODY, Resource
from suwen.govern.policy.decisions import decide
from tests.integration.served import PASSWORD, Served


def entries(after: int = 0) -> list[tuple[str, str, str, str]]:
    """(actor, event, unit, code) of the entries after a number."""
    from suwen.govern.audit.models import Entry  # noqa: PLC0415

    return list(Entry.objects.filter(number__gt=after).order_by("number").values_list("actor", "event", "unit", "code"))


def last() -> int:
    from suwen.govern.audit.models import Entry  # noqa: PLC0415

    return int(Entry.objects.count())


def actor(name: str) -> Any:
    from suwen.govern.people.accounts import account  # noqa: PLC0415
    from suwen.govern.people.actors import actor_of  # noqa: PLC0415

    return actor_of(account(name))


def test_an_administrator_invites_and_gives_a_role_for_a_time(served: Served) -> None:
    before, client = last(), served.client("administrator")
    page = client.post("/people/invite", {"name": "Wang@Example.org", "full_name": "<script>alert(1)</script>"}).content.decode()
    assert re.search(r'<code class="password">[a-z2-9]{6}(-[a-z2-9]{6}){3}</code>', page)
    from suwen.govern.people.accounts import account  # noqa: PLC0415

    user = account("wang@example.org")
    assert '<option value="viewer" selected>' in client.get(f"/people/{user.pk}").content.decode(), "who chooses nothing gives least"
    client.post(f"/people/{user.pk}/roles", {"role": "viewer", "unit": "H0002", "first": "2020-01-01", "last": "2020-12-31"})
    client.post(f"/people/{user.pk}/roles", {"role": "steward", "unit": "H0001"})
    assert [grant.role for grant in actor("wang@example.org").grants] == [Role.STEWARD]
    shown = client.get("/people").content.decode()
    assert "<script>" not in shown and "&lt;script&gt;" in shown and "hospital steward · First People&#x27;s Hospital of Tangchuan city" in shown
    assert [event for _, event, _, _ in entries(before)] == ["account added", "role given", "role given"]
    assert client.post("/people/invite", {"name": "wang@example.org"}).status_code == 200  # taken


def test_an_administrator_of_a_part_gives_roles_within_it_alone(served: Served) -> None:
    user = served.add("parted", (Role.VIEWER, ""))
    client = served.client("district-administrator")
    for unit in ("H0008", "990100", ""):
        assert client.post(f"/people/{user.pk}/roles", {"role": "administrator", "unit": unit}).status_code in (200, 403)
    client.post(f"/people/{user.pk}/roles", {"role": "viewer", "unit": "H0003"})
    assert sorted(user.bindings.values_list("role", "unit")) == [("viewer", ""), ("viewer", "H0003")]
    whole = user.bindings.get(unit="")
    assert client.post(f"/people/{user.pk}/roles/{whole.pk}/end").status_code == 403
    assert client.post(f"/people/{user.pk}/reset").status_code == 403
    assert "the whole region" not in client.get(f"/people/{user.pk}").content.decode()


def test_the_last_administrator_stays(served: Served) -> None:
    from suwen.govern.people import accounts  # noqa: PLC0415
    from suwen.govern.people.models import RoleBinding  # noqa: PLC0415

    user = accounts.account("administrator")
    others = RoleBinding.objects.filter(role="administrator", unit="").exclude(user=user)
    others.delete()
    client = served.client("administrator")
    client.post(f"/people/{user.pk}/roles/{user.bindings.get().pk}/end")
    client.post(f"/people/{user.pk}/active")
    assert accounts.account("administrator").is_active and accounts.account("administrator").bindings.count() == 1


def test_a_deactivated_account_is_out_at_once_with_its_tokens(served: Served) -> None:
    from suwen.govern.people import accounts  # noqa: PLC0415

    user = served.add("leaves", (Role.VIEWER, ""))
    client, text = served.client("leaves"), token(served, "leaves", Action.VALUES)
    assert client.get("/").status_code == 200 and by_token(text).name == "leaves"
    served.client("administrator").post(f"/people/{user.pk}/active")
    assert client.get("/").status_code == 302 and by_token(text) is NOBODY
    accounts.activate(user, True, "tests")
    assert by_token(text) is NOBODY


def token(served: Served, name: str, *scope: Action) -> str:
    from suwen.govern.people.accounts import account  # noqa: PLC0415
    from suwen.govern.people.tokens import make_token  # noqa: PLC0415

    return make_token(account(name), "tests", scope, timedelta(days=1))[1]


def by_token(text: str) -> Any:
    from suwen.govern.people import tokens  # noqa: PLC0415

    return tokens.by_token(text)


def test_a_token_is_made_on_a_page_works_within_its_scope_and_can_be_revoked(served: Served) -> None:
    client = served.client("analyst")
    page = client.post("/account/tokens", {"label": "report", "scope": ["see values"], "days": "7"}).content.decode()
    text = re.findall(r"<code>(suwen_[\w-]{43})</code>", page)[0]
    assert text not in client.get("/account/tokens").content.decode()
    program = served.client()
    shown = {"Authorization": f"Bearer {text}"}
    assert program.get("/", headers=shown).status_code == 200
    refused = program.get("/account/tokens", headers=shown)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "POL-014")
    assert program.get("/account", headers=shown).status_code == 401  # one's own account is for a page
    assert decide(by_token(text), Action.RECORDS, Resource("H0001")).code == "POL-013"
    from suwen.govern.people.models import AccessToken  # noqa: PLC0415

    held = AccessToken.objects.get(label="report")
    assert held.last_used_at is not None and text not in str(vars(held))
    client.post(f"/account/tokens/{held.pk}/revoke")
    assert program.get("/", headers=shown).status_code == 401
    assert client.post("/account/tokens", {"label": "x", "scope": ["manage people"], "days": "7"}).status_code == 200  # not a scope


def test_nobody_revokes_another_persons_token(served: Served) -> None:
    from suwen.govern.people.models import AccessToken  # noqa: PLC0415

    text = token(served, "steward", Action.VALUES)
    number = AccessToken.objects.filter(user__name="steward").latest("pk").pk
    assert served.client("viewer").post(f"/account/tokens/{number}/revoke").status_code == 404
    assert by_token(text).name == "steward"


def test_tokens_end_and_guessing_them_closes_the_address_for_signing_in(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from suwen.base import clock  # noqa: PLC0415

    text = token(served, "viewer", Action.VALUES)
    client, guess = served.client(), {"Authorization": "Bearer suwen_guess"}
    assert [client.get("/", headers=guess).status_code for _ in range(30)] == [401] * 30
    assert client.post("/sign-in", {"name": "viewer", "password": PASSWORD}).status_code == 200  # closed: asked again
    assert client.get("/", headers={"Authorization": f"Bearer {text}"}).status_code == 200  # nobody has guessed this one
    monkeypatch.setattr("suwen.govern.people.tokens.now", lambda: clock.now() + timedelta(days=1, seconds=1))
    assert served.client().get("/", headers={"Authorization": f"Bearer {text}"}).status_code == 401


def test_identities_open_for_a_purpose_and_close_by_themselves(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from suwen.base import clock  # noqa: PLC0415
    from suwen.govern.audit.models import Entry  # noqa: PLC0415

    served.add("opens", (Role.STEWARD, "H0001"))
    client, at = served.client("opens"), Resource("H0001", "person 7")
    asked = {"unit": "H0001", "subject": "person 7", "next": "/account"}
    assert decide(actor("opens"), Action.SEE_IDENTITY, at).code == "POL-030"
    assert client.post("/identity/open", asked | {"purpose": "why"}).status_code == 200
    assert decide(actor("opens"), Action.SEE_IDENTITY, at).code == "POL-030"
    assert client.post("/identity/open", asked | {"purpose": "telephone the patient about a wrong result"}).headers["Location"] == "/account"
    assert decide(actor("opens"), Action.SEE_IDENTITY, at).allowed
    assert not decide(actor("opens"), Action.SEE_IDENTITY, Resource("H0001", "person 8")).allowed
    entry = Entry.objects.latest("number")
    assert (entry.event, entry.unit, entry.subject, entry.purpose) == ("open identity", "H0001", "person 7", "telephone the patient about a wrong result")
    monkeypatch.setattr("suwen.govern.people.actors.now", lambda: clock.now() + timedelta(minutes=31))
    assert not decide(actor("opens"), Action.SEE_IDENTITY, at).allowed
    monkeypatch.undo()
    client.post("/identity/close")
    assert not decide(actor("opens"), Action.SEE_IDENTITY, at).allowed


def test_a_refusal_is_written_down_with_its_reason(served: Served) -> None:
    served.add("curious", (Role.VIEWER, "H0001"))
    before = last()
    page = served.client("curious").get("/audit", headers={"Accept-Language": "zh"})
    assert page.status_code == 403 and "POL-020" in page.content.decode() and "均不允许" in page.content.decode()
    assert entries(before) == [("curious", "refused: read audit", "", "POL-020")]


@pytest.fixture
def chain(served: Served) -> Iterator[None]:
    """The audit as it is, brought back afterwards: what tampers needs the triggers gone."""
    from django.db import connection, transaction  # noqa: PLC0415

    class Undone(Exception):
        pass

    served.client("viewer").get("/audit")
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                for way in ("UPDATE", "DELETE"):
                    cursor.execute(f"DROP TRIGGER audit_entry_no_{way}")
            yield
            raise Undone
    except Undone:
        pass


def test_the_chain_is_whole_on_the_page_and_the_command_line(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert "The chain is whole" in served.client("administrator").post("/audit/verify").content.decode()
    capsys.readouterr()
    folder = ["--region", str(served.region.folder)]
    assert main(["audit", "verify", *folder]) == 0
    noted = capsys.readouterr().out.splitlines()[-1].removeprefix("note elsewhere: ")
    served.client("viewer").get("/audit")
    assert main(["audit", "verify", "--known", noted, *folder]) == 0
    assert main(["audit", "verify", "--known", f"{noted.partition(':')[0]}:{'0' * 64}", *folder]) == 2
    assert "not the one noted earlier" in capsys.readouterr().err
    assert main(["audit", "verify", "--known", f"{last() + 5}:{'0' * 64}", *folder]) == 2
    assert main(["audit", "verify", "--known", "x", *folder]) == 2
    assert main(["audit", "list", "--limit", "3", *folder]) == 0
    assert "refused: read audit" in capsys.readouterr().out


def test_the_database_refuses_to_change_the_audit(served: Served) -> None:
    from django.db import Error, transaction  # noqa: PLC0415

    from suwen.govern.audit.models import Entry  # noqa: PLC0415

    for change in (lambda: Entry.objects.filter(number=1).update(actor="x"), lambda: Entry.objects.filter(number=1).delete()):
        with pytest.raises(Error, match="only appended to"), transaction.atomic():
            change()


@pytest.mark.parametrize("field", ["actor", "event", "unit", "subject", "code", "purpose", "address", "via", "before", "seal"])
def test_a_changed_entry_is_found(chain: None, field: str) -> None:
    from suwen.govern.audit.chain import verify  # noqa: PLC0415
    from suwen.govern.audit.models import Entry  # noqa: PLC0415

    Entry.objects.filter(number=2).update(**{field: "changed"})
    assert verify().wrong_at in (2, 3)


def test_a_removed_moved_or_cut_off_entry_is_found(chain: None) -> None:
    from django.db import transaction  # noqa: PLC0415

    from suwen.govern.audit.chain import verify  # noqa: PLC0415
    from suwen.govern.audit.models import Entry, Head  # noqa: PLC0415

    number, seal = last(), verify().seal
    with transaction.atomic():
        point = transaction.savepoint()
        Entry.objects.filter(number=2).delete()
        assert (verify().wrong_at, verify().wrong) == (2, "an entry is missing")
        transaction.savepoint_rollback(point)
        point = transaction.savepoint()
        Entry.objects.filter(number=number).delete()
        assert verify().wrong == "entries are missing at the end"
        Head.objects.update(number=number - 1, seal=Entry.objects.get(number=number - 1).seal)
        assert verify().wrong == ""  # cut off with its end: only what was noted elsewhere tells
        assert verify((number, seal)).wrong == "the entry noted earlier is missing"
        transaction.savepoint_rollback(point)


def test_an_entry_made_without_the_key_is_found(chain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings  # noqa: PLC0415

    from suwen.govern.audit.chain import Happening, verify, write  # noqa: PLC0415

    key = settings.SUWEN_AUDIT_KEY
    monkeypatch.setattr(settings, "SUWEN_AUDIT_KEY", "guessed")
    forged = write(Happening("administrator", "signed in"))
    monkeypatch.setattr(settings, "SUWEN_AUDIT_KEY", key)
    assert (verify().wrong_at, verify().wrong) == (forged.number, "the entry was changed")


def test_accounts_on_the_command_line(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--region", str(served.region.folder)]
    assert main(["user", "add", "line@example.org", "--role", "steward", "--unit", "H0001", *folder]) == 0
    assert re.search(r"first password: [a-z2-9-]{27}\n", capsys.readouterr().out)
    assert main(["user", "role", "line@example.org", "viewer", "--until", "2999-12-31", *folder]) == 0
    assert main(["user", "role", "line@example.org", "steward", "--unit", "H0001", "--take-away", *folder]) == 0
    assert [(grant.role, grant.whole) for grant in actor("line@example.org").grants] == [(Role.VIEWER, True)]
    assert main(["user", "reset", "line@example.org", "--json", *folder]) == 0
    assert main(["user", "deactivate", "line@example.org", *folder]) == 0
    capsys.readouterr()
    assert main(["user", "list", *folder]) == 0
    assert "line@example.org" in capsys.readouterr().out
    for mistake in (
        ["add", "x"],
        ["add", "line@example.org"],
        ["add", "y z"],
        ["add", "half@example.org", "--role", "viewer", "--unit", "H9"],
        ["add", "half@example.org", "--unit", "H0001"],
        ["role", "line@example.org", "king"],
        ["role", "line@example.org", "viewer", "--unit", "H9"],
        ["role", "nobody-here", "viewer"],
        ["role", "line@example.org", "analyst", "--take-away"],
        ["role", "line@example.org", "viewer", "--until", "soon"],
    ):
        assert main(["user", *mistake, *folder]) == 2
        assert "Traceback" not in capsys.readouterr().err
    assert main(["user", "list", *folder]) == 0
    assert "half@example.org" not in capsys.readouterr().out, "no account is left whose password nobody saw"


def test_concurrent_writers_keep_the_chain(served: Served) -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    from django.db import connections  # noqa: PLC0415

    from suwen.govern.audit.chain import Happening, verify, write  # noqa: PLC0415

    def some(number: int) -> None:
        for _ in range(10):
            write(Happening(f"writer {number}", "signed in"))
        connections.close_all()

    before = last()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(some, range(6)))
    assert last() == before + 60 and verify().wrong == ""


def test_a_wrong_scope_or_time_makes_no_token(served: Served) -> None:
    from suwen.govern.people.accounts import account  # noqa: PLC0415
    from suwen.govern.people.tokens import make_token  # noqa: PLC0415

    for scope, days in (((), 1), ((Action.PEOPLE,), 1), ((Action.VALUES,), 0), ((Action.VALUES,), 367)):
        with pytest.raises(SuwenError):
            make_token(account("viewer"), "x", scope, timedelta(days=days))
