"""Addresses for machines that watch the server: its figures, whether it lives, whether it can do its work."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from ipaddress import ip_address

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from prometheus_client.exposition import choose_encoder

from suwen.base.errors import SuwenError
from suwen.flow.formats import readable
from suwen.flow.stores import releases_of
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import ANYWHERE
from suwen.govern.present import present
from suwen.serve.figures import REGISTRY
from suwen.serve.gate import address_of, decided, open_to_all

_LOG = logging.getLogger(__name__)
_READING = ("GET", "HEAD")


@open_to_all
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    if request.method not in _READING:
        return HttpResponseNotAllowed(_READING)
    return HttpResponse("alive\n", content_type="text/plain; charset=utf-8")


@open_to_all
def ready(request: HttpRequest) -> HttpResponse:
    """Whether pages can be answered now: 200, or 503 with the reasons; what they are about in the region's own words stands in the log."""
    if request.method not in _READING:
        return HttpResponseNotAllowed(_READING)
    reasons = list(_reasons())
    return JsonResponse({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)


def _reasons() -> Iterator[str]:
    """Why the server is not ready, in words that tell no path and no value."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        yield "the control data does not answer"
    try:
        region = present().region()
    except SuwenError:
        yield "the region's own files cannot be read"
        return
    for check, reason in (
        (lambda: readable(region), "landing or lake are of a format this version does not know"),
        (lambda: releases_of(region).latest(), "the newest release cannot be read"),
    ):
        try:
            check()
        except (SuwenError, OSError) as error:
            _LOG.error("not ready", extra={"told": str(error) if isinstance(error, SuwenError) else type(error).__name__})
            yield reason


@open_to_all
def figures(request: HttpRequest) -> HttpResponse:
    """The figures in Prometheus' text form: to a program of the own machine where nothing else can reach the server, else by a token or account.

    Behind a proxy the address tells nothing: one that does not say for whom it asks would let everybody in.
    """
    if request.method not in _READING:
        return HttpResponseNotAllowed(_READING)
    if settings.SUWEN_REGION.server.public or not _is_own_machine(address_of(request)):
        decided(request, Action.RELEASES, ANYWHERE)
    encode, kind = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(REGISTRY), content_type=kind)


def _is_own_machine(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
