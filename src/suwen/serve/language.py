"""The language of a request: the account's, else the one chosen in this browser, else what the browser asks for."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

COOKIE = "language"
KNOWN = ("en", "zh-hans")


def chosen(request: HttpRequest) -> str:
    """The language a request is answered in."""
    own = getattr(request.user, "language", "") or request.COOKIES.get(COOKIE, "")
    if own in KNOWN:
        return own
    wanted = request.headers.get("Accept-Language", "").lower()
    places = {language: wanted.find(language[:2]) for language in KNOWN}
    return "zh-hans" if places["zh-hans"] >= 0 and (places["en"] < 0 or places["zh-hans"] < places["en"]) else "en"


def column() -> int:
    """Where the text of the language in force stands in a pair of English and Chinese."""
    return 1 if (translation.get_language() or "en").startswith("zh") else 0


def remember(response: HttpResponse, language: str) -> None:
    """Keep a choice in this browser."""
    response.set_cookie(COOKIE, language, max_age=365 * 86_400, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax")


class Language:
    """Puts the language of a request in force while it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = chosen(request)
        with translation.override(language):
            response = self.get_response(request)
        response.setdefault("Content-Language", "zh-CN" if language == "zh-hans" else "en")
        response.setdefault("Vary", "Accept-Language, Cookie")
        return response
