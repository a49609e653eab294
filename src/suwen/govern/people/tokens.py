"""Tokens of programs: made once, kept as hashes, with a scope and an end."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from suwen.base.clock import now
from suwen.base.errors import SuwenError
from suwen.govern.audit.chain import Happening, write
from suwen.govern.people.actors import actor_of
from suwen.govern.people.lockout import ADDRESS, failed, locked
from suwen.govern.people.models import AccessToken, User
from suwen.govern.plain_text import one_line
from suwen.govern.policy.actions import NEVER_BY_TOKEN, Action
from suwen.govern.policy.actors import NOBODY, UNKNOWN, Actor

PREFIX = "suwen_"
LONGEST = timedelta(days=366)
_USED_AT_MOST_EVERY = timedelta(minutes=1)
SCOPES = tuple(action for action in Action if action not in NEVER_BY_TOKEN)


def make_token(user: User, label: str, scope: Iterable[Action], lasting: timedelta) -> tuple[AccessToken, str]:
    """A new token and its text, which is never to be seen again. Raises SuwenError for a scope or time that no token has."""
    wanted = sorted(set(scope))
    if not wanted or NEVER_BY_TOKEN & set(wanted):
        raise SuwenError("a token cannot have this scope", where="scope", expected=f"some of {', '.join(SCOPES)}")
    if not timedelta(0) < lasting <= LONGEST:
        raise SuwenError("a token cannot last so long", where="expiry", expected=f"1 to {LONGEST.days} days")
    text = PREFIX + secrets.token_urlsafe(32)
    token = AccessToken.objects.create(user=user, label=one_line(label[:80]), digest=_digest(text), scope=",".join(wanted), expires_at=now() + lasting)
    return token, text


def bearer(header: str, address: str) -> Actor:
    """Who shows `Bearer <token>`; nobody for anything that is not a token in force. An address that guesses is locked out from signing in for a while.

    A token that has ended is no guess, and one in force holds from everywhere: else a forgotten script would shut out all who share its address.
    """
    word, _, text = header.partition(" ")
    if word.lower() != "bearer":
        return NOBODY
    found = by_token(text.strip())
    guessed = found is NOBODY and not AccessToken.objects.filter(digest=_digest(text.strip())).exists()
    if guessed and not locked(ADDRESS, address) and failed(ADDRESS, address):
        write(Happening(UNKNOWN, "locked out", "token", address))
    return found


def by_token(text: str) -> Actor:
    """The actor of a token's text; nobody where it is unknown, has ended or was revoked, or its account is not active."""
    token = AccessToken.objects.select_related("user").filter(digest=_digest(text), revoked_at__isnull=True, expires_at__gt=now()).first()
    if token is None or not token.user.is_active:
        return NOBODY
    if token.last_used_at is None or now() - token.last_used_at > _USED_AT_MOST_EVERY:
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now())
    return actor_of(token.user, scope=frozenset(Action(word) for word in token.scope.split(",")))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
