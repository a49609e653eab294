"""The door to a region's control data for who has no business with Django: opened once, brought up to date, then asked by plain values.

Models can be read only once Django knows the region: hence the imports inside the methods.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from django.core.management import call_command
from django.db import DatabaseError, transaction

from suwen.base.errors import SuwenError
from suwen.flow.region_files import CONTROL_FILE
from suwen.govern.policy.actions import PERSONAL, Action, Role
from suwen.govern.policy.actors import NOBODY, OWNER, UNKNOWN, WHOLE, Actor, Resource
from suwen.govern.policy.decisions import Decision, decide
from suwen.govern.settings import configure
from suwen.model.region import Region


@dataclass(frozen=True)
class Person:
    """An account as the command line tells it; `roles`: role and unit ("" the whole region) with first and last day."""

    name: str
    full_name: str
    active: bool
    second_factor: bool
    last_here: datetime | None
    roles: tuple[tuple[str, str, date, date | None], ...]


@dataclass(frozen=True)
class AuditLine:
    """One entry of the audit."""

    number: int
    at: datetime
    actor: str
    via: str
    event: str
    unit: str
    subject: str
    code: str
    purpose: str


class Control:
    """The control data of the region this process has opened."""

    def first_administrator(self) -> tuple[str, str] | None:
        """Name and password of the first account, where there was none."""
        from suwen.govern.people import accounts  # noqa: PLC0415

        made = accounts.first_administrator(OWNER.name)
        return (made[0].name, made[1]) if made else None

    def forget_sessions(self) -> None:
        """Remove what is left of sessions that have ended."""
        call_command("clearsessions")

    def add(self, name: str, full_name: str, role: Role | None = None, unit: str = WHOLE) -> str:
        """A new account, with a first role where one is named: both or neither; gives its first password."""
        from suwen.govern.people import accounts  # noqa: PLC0415

        with transaction.atomic():
            user, password = accounts.add(name, OWNER.name, full_name=full_name)
            if role is not None:
                accounts.bind(user, role, unit, OWNER.name)
        return password

    def bind(self, name: str, role: Role, unit: str, last: date | None) -> None:
        """Give a role over a unit and all below it, WHOLE for the whole region."""
        from suwen.govern.people import accounts  # noqa: PLC0415

        accounts.bind(accounts.account(name), role, unit, OWNER.name, last=last)

    def unbind(self, name: str, role: Role, unit: str) -> int:
        """Take a role over a unit away; gives how many bindings that were."""
        from suwen.govern.people import accounts  # noqa: PLC0415

        held = list(accounts.account(name).bindings.filter(role=role.value, unit=unit))
        for binding in held:
            accounts.unbind(binding, OWNER.name)
        return len(held)

    def reset(self, name: str) -> str:
        """A new first password for an account, without second factor, tokens and lock-out."""
        from suwen.govern.people import accounts  # noqa: PLC0415

        return accounts.reset(accounts.account(name), OWNER.name)

    def activate(self, name: str, active: bool) -> None:
        """Let an account in, or shut it out."""
        from suwen.govern.people import accounts  # noqa: PLC0415

        accounts.activate(accounts.account(name), active, OWNER.name)

    def people(self) -> Iterator[Person]:
        """Every account."""
        from suwen.govern.people.models import User  # noqa: PLC0415
        from suwen.govern.people.second_factor import device_of  # noqa: PLC0415

        for user in User.objects.prefetch_related("bindings"):
            roles = tuple((b.role, b.unit, b.valid_from, b.valid_to) for b in user.bindings.all())
            yield Person(user.name, user.full_name, user.is_active, device_of(user) is not None, user.last_login, roles)

    def audit(self, limit: int) -> Iterator[AuditLine]:
        """The last entries of the audit, the newest first."""
        from suwen.govern.audit.models import Entry  # noqa: PLC0415

        for e in Entry.objects.all()[:limit]:
            yield AuditLine(e.number, e.at, e.actor, e.via, e.event, e.unit, e.subject, e.code, e.purpose)

    def verify(self, known: tuple[int, str]) -> tuple[int, str, int, str]:
        """Walk the chain: entries, last seal, and number and nature of what is wrong (0 and "" for nothing)."""
        from suwen.govern.audit.chain import verify  # noqa: PLC0415

        found = verify(known)
        return found.entries, found.seal, found.wrong_at, found.wrong

    def by_token(self, text: str) -> Actor:
        """The actor of a token; NOBODY where it is not in force."""
        from suwen.govern.people.tokens import by_token  # noqa: PLC0415

        return by_token(text) if text else NOBODY

    def decided(self, actor: Actor, action: Action, resource: Resource | None = None, purpose: str = "") -> Decision:
        """The decision; refusals and what brings personal values to light are written into the audit."""
        from suwen.govern.audit.chain import Happening, write  # noqa: PLC0415

        at = resource or Resource(WHOLE)
        decision = decide(actor, action, at)
        if not decision.allowed or action in PERSONAL:
            event = action.value if decision.allowed else f"refused: {action.value}"
            write(Happening(actor.name or UNKNOWN, event, "command", "", at.unit, at.subject, decision.code, purpose))
        return decision

    def sees_identity(self, actor: Actor, resource: Resource) -> bool:
        """Whether names and numbers are open to the actor; where they are, that is written down."""
        return decide(actor, Action.SEE_IDENTITY, resource).allowed and self.decided(actor, Action.SEE_IDENTITY, resource).allowed


@contextmanager
def _answering(region: Region) -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise SuwenError(
            f"the control database does not answer as it should ({type(error).__name__})",
            where=region.server.database or str(region.folder / CONTROL_FILE),
            expected="a database this user may read and write",
            do="check that it is there, its rights and the disk",
        ) from None


def due(region: Region) -> list[str]:
    """The changes of its tables that a region's control database still waits for, by name."""
    configure(region)
    from django.db import connection  # noqa: PLC0415 Django must know the region first
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    with _answering(region):
        executor = MigrationExecutor(connection)
        return [f"{one.app_label} {one.name}" for one, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def opened(region: Region) -> Control:
    """Make Django ready for a region and bring its control database up to date."""
    configure(region)
    with _answering(region):
        call_command("migrate", verbosity=0, interactive=False)
    return Control()
