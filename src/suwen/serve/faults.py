"""The pages of what went wrong: told without any value of the request."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from suwen.serve.gate import open_to_all


@open_to_all
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The page for an address that leads nowhere."""
    return render(request, "fault.html", {"status": 404}, status=404)


@open_to_all
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The page for a request that makes no sense."""
    return render(request, "fault.html", {"status": 400}, status=400)


@open_to_all
def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form that was not sent from our own pages."""
    return render(request, "fault.html", {"status": 403}, status=403)


@open_to_all
def defect(request: HttpRequest) -> HttpResponse:
    """The page for a defect of ours."""
    return render(request, "fault.html", {"status": 500}, status=500)
