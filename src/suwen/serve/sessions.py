"""How long a session lasts: it ends when nobody used it for a while, and in any case after a working day."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from suwen.base.clock import now

IDLE_SECONDS, WHOLE_SECONDS = 30 * 60, 12 * 3600
BEGUN, SEEN, _SAVED_EVERY = "begun", "seen", 60


def begin(request: HttpRequest) -> None:
    """Start the clock of a session that was just signed in."""
    request.session[BEGUN] = request.session[SEEN] = int(now().timestamp())


class Limits:
    """Ends sessions that are over; a session in use is written at most once a minute."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            at = int(now().timestamp())
            begun, seen = request.session.get(BEGUN, 0), request.session.get(SEEN, 0)
            if at - seen > IDLE_SECONDS or at - begun > WHOLE_SECONDS:
                logout(request)
            elif at - seen > _SAVED_EVERY:
                request.session[SEEN] = at
        return self.get_response(request)
