"""Browsers in which somebody has signed in before: they wait for their own failures alone, so that nobody can shut others out by failing in their name.

The cookie proves nothing but this; with the account's password it ends. Salted and signed like a session.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from suwen.govern.people.models import User

COOKIE = "browser"
_SALT, _DAYS = "suwen.serve.account.browsers", 90


def known(request: HttpRequest, name: str) -> str:
    """The id of the browser a request comes from, where the account of this name has signed in there with its present password; else ""."""
    try:
        number, browser, seal = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_DAYS * 86_400)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    user = User.objects.filter(pk=number, name=name).first()
    return str(browser) if user is not None and secrets.compare_digest(str(seal), _seal(user)) else ""


def remember(response: HttpResponse, user: User) -> None:
    """Keep in a browser that this account has signed in there."""
    text = signing.dumps([user.pk, secrets.token_hex(16), _seal(user)], salt=_SALT)
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(COOKIE, text, max_age=_DAYS * 86_400, path="/sign-in", secure=secure, httponly=True, samesite="Strict")


def _seal(user: User) -> str:
    return user.get_session_auth_hash()[:32]
