"""Accounts: made, given roles over parts of the tree, reset, deactivated; every change is written into the audit."""

from __future__ import annotations

import secrets
import unicodedata
from datetime import date

from django.db import transaction
from django.db.models import Q

from suwen.base.errors import SuwenError
from suwen.govern.audit.chain import Happening, write
from suwen.govern.people.lockout import ACCOUNT, succeeded
from suwen.govern.people.models import AccessToken, RoleBinding, User
from suwen.govern.people.second_factor import forget
from suwen.govern.plain_text import one_line
from suwen.govern.policy.actions import Role
from suwen.govern.policy.actors import OWNER, WHOLE
from suwen.govern.present import present
from suwen.packs.problem import nearest

_ALLOWED = set("abcdefghijklmnopqrstuvwxyz0123456789._-@+")


def plain_name(name: str) -> str:
    """A name as accounts are kept by: small letters, one form of every character."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _tell(by: str, event: str, *, unit: str = WHOLE, subject: str = "") -> None:
    write(Happening(by, event, "command" if by == OWNER.name else "page", unit=unit, subject=subject))


def account(name: str) -> User:
    """The account of a name. Raises SuwenError where there is none."""
    found = User.objects.filter(name=plain_name(name)).first()
    if found is None:
        names = list(User.objects.values_list("name", flat=True)[:1000])
        raise SuwenError("there is no such account", where="the control database", expected="a name as suwen user list shows it", do=nearest(name, names))
    return found


def random_password() -> str:
    """A password nobody has thought of: 24 letters and digits in groups, about 119 bits."""
    letters = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(24))
    return "-".join(letters[at : at + 6] for at in range(0, 24, 6))


def add(name: str, by: str, *, full_name: str = "", language: str = "") -> tuple[User, str]:
    """A new account and its first password, shown once and to be changed at the first sign-in. Raises SuwenError for a name that does not fit."""
    plain = plain_name(name)
    fits = 2 <= len(plain) <= 120 and set(plain) <= _ALLOWED and plain[0].isalnum()
    if not fits:
        raise SuwenError(
            "this is not a good name of an account", where="name", expected="2 to 120 small letters, digits and . _ - @ +, such as an e-mail address"
        )
    password = random_password()
    with transaction.atomic():
        if User.objects.filter(name=plain).exists():
            raise SuwenError("there is an account of that name already", where="name", expected="a new name")
        user = User(name=plain, full_name=one_line(full_name.strip()[:120]), language=language, must_change_password=True, created_by=by)
        user.set_password(password)
        user.save()
        _tell(by, "account added", subject=plain)
    return user, password


def bind(user: User, role: Role, unit: str, by: str, *, first: date | None = None, last: date | None = None) -> RoleBinding:
    """Give a role over an organisation and all below it (WHOLE: the whole region). Raises SuwenError for a unit that is not there."""
    tree, start = present().tree(), first or present().today()
    if unit != WHOLE and unit not in tree.organisations:
        raise SuwenError(
            "there is no such organisation", where="unit", expected="an id in organisations.csv", do=nearest(unit, list(tree.organisations)[:1000])
        )
    if last is not None and last < start:
        raise SuwenError("the last day is before the first", where="until", expected=f"a day from {start} on")
    with transaction.atomic():
        binding, made = RoleBinding.objects.get_or_create(
            user=user, role=role.value, unit=unit, valid_from=start, defaults={"valid_to": last, "granted_by": by}
        )
        if not made:
            RoleBinding.objects.filter(pk=binding.pk).update(valid_to=last, granted_by=by)
        _tell(by, "role given", unit=unit, subject=f"{user.name}: {role.value} from {start}{f' to {last}' if last else ''}")
    return binding


def unbind(binding: RoleBinding, by: str) -> None:
    """Take a role away, now; that it was held stays in the audit."""
    with transaction.atomic():
        binding.delete()
        _tell(by, "role taken", unit=binding.unit, subject=f"{binding.user.name}: {binding.role}")


def activate(user: User, active: bool, by: str) -> None:
    """Let an account in again, or shut it out with all its tokens and sessions."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=active)
        if not active:
            AccessToken.objects.filter(user=user).delete()
        _tell(by, "account activated" if active else "account deactivated", subject=user.name)


def reset(user: User, by: str) -> str:
    """A new first password, without second factor, lock-out and tokens; every session of the account ends with it."""
    password = random_password()
    with transaction.atomic():
        user.set_password(password)
        user.must_change_password = True
        user.save()
        forget(user)
        AccessToken.objects.filter(user=user).delete()
        succeeded(ACCOUNT, user.name)
        _tell(by, "account reset", subject=user.name)
    return password


def first_administrator(by: str) -> tuple[User, str] | None:
    """The first account of a region, administrator of the whole, with its password; None where there is an account already."""
    if User.objects.exists():
        return None
    user, password = add("admin", by, full_name="Administrator")
    User.objects.filter(pk=user.pk).update(must_change_password=False)  # the password is random already
    bind(user, Role.ADMINISTRATOR, WHOLE, by)
    return user, password


def is_last_administrator(user: User, binding: RoleBinding | None = None) -> bool:
    """Whether without this account (or this role of it) nobody would administer the whole region today."""
    today = present().today()
    whole = RoleBinding.objects.filter(role=Role.ADMINISTRATOR.value, unit=WHOLE, valid_from__lte=today, user__is_active=True).filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=today)
    )
    held = whole.filter(pk=binding.pk) if binding else whole.filter(user=user)
    return held.exists() and not whole.exclude(pk__in=held.values("pk")).exists()
