"""The first page: the region at a glance."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from suwen.flow.status import status
from suwen.govern.policy.actions import Action
from suwen.govern.present import present
from suwen.serve.gate import needs


@needs(Action.VALUES)
def overview(request: HttpRequest) -> HttpResponse:
    """What is published, and what waits."""
    return render(request, "overview.html", {"status": status(present().region())})
