"""Opening names and numbers for a stated purpose, and closing them again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from suwen.base.errors import SuwenError
from suwen.govern.people.openings import LASTING, close_identity, open_identity
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import WHOLE, Resource
from suwen.govern.policy.decisions import unit_name
from suwen.govern.texts.catalogue import t
from suwen.serve.administration.forms import Purpose
from suwen.serve.gate import address_of, back, decided, for_the_signed_in, needs, note
from suwen.serve.language import column


@needs(Action.OPEN_IDENTITY)
@require_http_methods(["GET", "POST"])
def opening(request: HttpRequest) -> HttpResponse:
    """Ask for the purpose, then open: `unit` and `subject` say what, `next` where to go on."""
    asked = request.POST if request.method == "POST" else request.GET
    resource = Resource(str(asked.get("unit", WHOLE)), str(asked.get("subject", ""))[:120])
    decision = decided(request, Action.OPEN_IDENTITY, resource)
    form = Purpose(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            open_identity(request.user, resource, form.cleaned_data["purpose"], code=decision.code, address=address_of(request))
        except SuwenError:
            form.add_error("purpose", t("Say in a few words what the names and numbers are needed for."))
        else:
            messages.warning(request, t("Names and numbers are open for {minutes} minutes. What you look at is written down.", minutes=LASTING.seconds // 60))
            return HttpResponseRedirect(back(request) or "/")
    held = {"form": form, "resource": resource, "next": back(request), "unit_name": unit_name(request.actor, resource.unit, column())}
    return render(request, "people/identity.html", held)


@for_the_signed_in
@require_POST
def closing(request: HttpRequest) -> HttpResponse:
    """End every opening of one's own."""
    if close_identity(request.user):
        note(request, "close identity", Resource())
    return HttpResponseRedirect(back(request) or "/")
