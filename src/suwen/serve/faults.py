"""The pages of what went wrong: told without any value of the request."""

from __future__ import annotations

import sys

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation

from suwen.base.errors import SuwenError
from suwen.serve.api.faults import is_api, said
from suwen.serve.gate import open_to_all

_SAID = {
    400: "the request makes no sense",
    403: "a form was sent that is not from our own pages",
    404: "this address leads nowhere",
    500: "a defect of ours; it stands in the server's log",
    503: "the region's files or its control data cannot be read or written now; the server's log says which",
}


@open_to_all
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The page for an address that leads nowhere."""
    return _fault(request, 404)


@open_to_all
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The page for a request that makes no sense."""
    return _fault(request, 400)


@open_to_all
def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form that was not sent from our own pages."""
    return _fault(request, 403)


@open_to_all
def defect(request: HttpRequest) -> HttpResponse:
    """The page for a defect of ours; and for what is none: files of the region that cannot be read, an audit that cannot be written."""
    status = 503 if isinstance(sys.exc_info()[1], SuwenError | DatabaseError) else 500
    try:
        return _fault(request, status) if status == 500 or is_api(request) else _alone(status)
    except Exception:  # the page itself asks the region and the control data
        return _alone(status)


def _alone(status: int) -> HttpResponse:
    """A page that asks nothing of anybody."""
    language = "zh-CN" if (translation.get_language() or "en").startswith("zh") else "en"
    return HttpResponse(render_to_string("unavailable.html", {"status": status, "language": language}), status=status)


def _fault(request: HttpRequest, status: int) -> HttpResponse:
    if is_api(request):
        return said(status, _SAID[status], do="GET /api/v1/openapi.json" if status == 404 else "")
    return render(request, "fault.html", {"status": status}, status=status)
