"""Every request gets an id and is timed; with the log as lines of JSON it leaves one there: which page, how it ended, how long, whose account by number."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from suwen.govern.log import REQUEST
from suwen.serve.figures import ANSWERED

_LOG = logging.getLogger("suwen.requests")
_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
HEADER = "X-Request-ID"
_NOWHERE = "(none)"  # of requests that lead to no page of ours


class Requests:
    """The outermost of our own middleware. The id is the proxy's where there is one and it says one, else a new one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        said = request.headers.get(HEADER, "") if settings.SUWEN_REGION.server.public else ""
        number = said if _ID.fullmatch(said) else uuid4().hex
        mark, began = REQUEST.set(number), time.perf_counter()
        try:
            response = self.get_response(request)
            _tell(request, response, time.perf_counter() - began)
            response[HEADER] = number
            return response
        finally:
            REQUEST.reset(mark)


def _tell(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """`page`: the route with holes in place of what an address names, so that no key or id is told."""
    match = getattr(request, "resolver_match", None)
    page = f"/{match.route}" if match is not None else "/static/" if request.path.startswith("/static/") else _NOWHERE
    ANSWERED.labels(page, str(response.status_code)).observe(seconds)
    user = getattr(request, "user", None)
    held = {"method": request.method if request.method in _METHODS else "(other)", "page": page, "status": response.status_code}
    _LOG.info("request", extra={"held": {**held, "ms": round(seconds * 1000, 1), "user": getattr(user, "pk", None)}})


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
