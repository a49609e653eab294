"""The audit as a page: filtered, paged, and verified from its first entry."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from suwen.govern.audit.chain import verify
from suwen.govern.audit.models import Entry
from suwen.govern.policy.actions import Action
from suwen.serve.administration.filters import Filter
from suwen.serve.gate import needs

_PAGE = 100


@needs(Action.AUDIT, whole=True)
@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """Entries, the newest first, by who, what, where and when."""
    return _page(request, {})


@needs(Action.AUDIT, whole=True)
@require_POST
def verified(request: HttpRequest) -> HttpResponse:
    """The same, with the chain verified."""
    return _page(request, {"verified": verify()})


def _page(request: HttpRequest, more: dict[str, object]) -> HttpResponse:
    form = Filter(request.GET)
    entries = Paginator(form.entries(), _PAGE).get_page(request.GET.get("page"))
    events = Entry.objects.order_by("event").values_list("event", flat=True).distinct()
    return render(request, "audit/audit.html", {"form": form, "entries": entries, "events": events, "query": form.query(), **more})
