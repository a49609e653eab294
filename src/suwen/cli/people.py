"""`suwen serve`, `user` and `audit`: the region's pages, who may come in as what, and what was opened, refused and changed."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suwen.base.errors import SuwenError
from suwen.cli.options import HERE, JsonOption, LimitOption, RegionOption, moment
from suwen.cli.say import count, say, say_json, say_table
from suwen.flow.region import open_region
from suwen.govern.policy.actions import Role
from suwen.packs.problem import nearest

if TYPE_CHECKING:
    from suwen.govern.control import Control

users = typer.Typer(help="Accounts of the region's pages, and their roles.", no_args_is_help=True, rich_markup_mode=None)
trail = typer.Typer(help="The audit: what was opened, refused and changed.", no_args_is_help=True, rich_markup_mode=None)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the person signs in with.")]
RoleArgument = Annotated[str, typer.Argument(metavar="ROLE", help="administrator, analyst, steward or viewer.")]
UnitOption = Annotated[
    str, typer.Option("--unit", metavar="ID", help="An organisation of organisations.csv, with all below it; the whole region if not given.")
]


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command("serve")(serve)


def serve(
    address: Annotated[str, typer.Option("--address", help="The address to listen at; region.toml's if not given.")] = "",
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="The port; region.toml's if not given, any free one for 0.")] = None,
    region: RegionOption = HERE,
) -> None:
    """Serve the region's pages. The first time an administrator is made, whose password is printed once."""
    from suwen.serve.server import serve as served  # noqa: PLC0415 only this command needs the pages' libraries

    opened = open_region(region)
    served(opened, address or opened.server.address, opened.server.port if port is None else port, _say_at_once)


def _control(region: Path) -> Control:
    from suwen.govern.control import opened  # noqa: PLC0415 only these commands need Django

    return opened(open_region(region))


def _say_at_once(line: str) -> None:
    """A line of a command that does not end, also where a service manager reads it and no terminal."""
    say([line])
    sys.stdout.flush()


@users.command("add")
def user_add(
    name: NameArgument,
    full_name: Annotated[str, typer.Option("--full-name", help="The person's name as pages show it.")] = "",
    role: Annotated[str, typer.Option("--role", help="A first role: administrator, analyst, steward or viewer.")] = "",
    unit: UnitOption = "",
    region: RegionOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make an account. Its first password is printed once, and to be changed at the first sign-in."""
    wanted = _role(role) if role else None
    if unit and wanted is None:
        raise SuwenError("a unit without a role says nothing", where="--unit", expected="--role too: administrator, analyst, steward or viewer")
    password = _control(region).add(name, full_name, wanted, unit)
    if as_json:
        say_json({"name": name, "password": password})
        return
    say([f"account {name} was made; first password: {password}"])
    if wanted is None:
        say([f"it can do nothing yet; next: suwen user role {name} viewer --unit ID"])


@users.command("role")
def user_role(
    name: NameArgument,
    role: RoleArgument,
    unit: UnitOption = "",
    until: Annotated[str, typer.Option("--until", metavar="DAY", help="The last day on which it holds.")] = "",
    take: Annotated[bool, typer.Option("--take-away", help="Take the role away instead.")] = False,
    region: RegionOption = HERE,
) -> None:
    """Give an account a role over an organisation and all below it."""
    wanted, last = _role(role), _day(until)
    control = _control(region)
    if take:
        if not control.unbind(name, wanted, unit):
            raise SuwenError("the account has no such role", where=name, expected="a role and unit as suwen user list shows them")
    else:
        control.bind(name, wanted, unit, last)
    say([f"{name}: {wanted.value} over {unit or 'the whole region'} {'was taken away' if take else 'was given'}"])


@users.command("reset")
def user_reset(name: NameArgument, region: RegionOption = HERE, as_json: JsonOption = False) -> None:
    """Give an account a new first password, printed once; its second factor, tokens and lock-out are gone."""
    password = _control(region).reset(name)
    if as_json:
        say_json({"name": name, "password": password})
    else:
        say([f"first password of {name}: {password}"])


@users.command("deactivate")
def user_deactivate(
    name: NameArgument, again: Annotated[bool, typer.Option("--activate", help="Let the account in again instead.")] = False, region: RegionOption = HERE
) -> None:
    """Shut an account out, with all its tokens and sessions."""
    _control(region).activate(name, again)
    say([f"{name} was {'activated' if again else 'deactivated'}"])


@users.command("list")
def user_list(region: RegionOption = HERE, as_json: JsonOption = False) -> None:
    """The accounts with their roles."""
    found = list(_control(region).people())
    if as_json:
        say_json(found)
        return
    rows = [
        (
            p.name,
            p.full_name,
            "; ".join(f"{role} over {unit or 'the whole region'}{f' until {last}' if last else ''}" for role, unit, _, last in p.roles),
            p.last_here.strftime("%Y-%m-%d %H:%M") if p.last_here else "",
            "" if p.active else "deactivated",
        )
        for p in found
    ]
    say_table(("name", "full name", "roles", "last here (UTC)", "state"), rows)


@trail.command("list")
def audit_list(limit: LimitOption = 50, region: RegionOption = HERE, as_json: JsonOption = False) -> None:
    """The last entries, the newest first."""
    found = list(_control(region).audit(limit))
    if as_json:
        say_json(found)
        return
    rows = [(e.number, e.at.strftime("%Y-%m-%d %H:%M:%S"), e.actor, e.via, e.event, e.unit, e.subject, e.code, e.purpose) for e in found]
    say_table(("no.", "at (UTC)", "who", "by", "what", "unit", "of what", "reason", "purpose"), rows, numbers=("no.",))


@trail.command("verify")
def audit_verify(
    known: Annotated[str, typer.Option("--known", metavar="N:SEAL", help="An entry's number and seal noted earlier, which must still be there.")] = "",
    region: RegionOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Walk the chain of entries from the first to the last. Note the last seal elsewhere, and give it with --known next time."""
    entries, seal, wrong_at, wrong = _control(region).verify(_known(known))
    if wrong:
        raise SuwenError(
            f"the audit is not whole: {wrong}", where=f"entry {wrong_at}", expected="a chain without gaps", do="compare with a copy of the control database"
        )
    if as_json:
        say_json({"entries": entries, "seal": seal})
    else:
        say([f"the chain is whole: {count(entries, 'entry', 'entries')}", f"note elsewhere: {entries}:{seal}"])


def _known(text: str) -> tuple[int, str]:
    number, colon, seal = text.partition(":")
    if text and not (colon and number.isascii() and number.isdigit() and len(number) < 19 and len(seal) == 64):
        raise SuwenError("this names no entry", where="--known", expected="number and seal as suwen audit verify prints them")
    return (int(number), seal) if text else (0, "")


def _role(text: str) -> Role:
    if text not in list(Role):
        raise SuwenError(f'unknown role "{text}"', where="ROLE", expected=" or ".join(Role), do=nearest(text, list(Role)))
    return Role(text)


def _day(text: str) -> date | None:
    return moment(text, "--until").date() if text else None
