"""Enrolling and removing the second factor of one's own account."""

from __future__ import annotations

import io

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_POST
from django_otp import login as otp_login

from suwen.govern.people.lockout import ACCOUNT, failed, locked
from suwen.govern.people.second_factor import begin, confirm, device_of, forget, passes
from suwen.govern.policy.actors import Resource
from suwen.govern.texts.catalogue import t
from suwen.serve.account.forms import Code
from suwen.serve.gate import for_the_signed_in, note


@for_the_signed_in
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """Show the key as a square code and as text; a first code from the authenticator enrols it. Recovery codes are shown once."""
    if device_of(request.user) is not None:
        return render(request, "account/second-factor.html", {"form": Code(), "enrolled": True})
    form, device = Code(request.POST if request.method == "POST" else None), begin(request.user)
    if request.method == "POST" and form.is_valid():
        codes = None if locked(ACCOUNT, request.user.name) else confirm(request.user, form.cleaned_data["code"])
        if codes is not None:
            otp_login(request, device_of(request.user))
            note(request, "second factor enrolled", Resource())
            return render(request, "account/second-factor.html", {"enrolled": True, "codes": codes})
        failed(ACCOUNT, request.user.name)
        form.add_error(None, t("The code is not right: check the clock of the device, and try the next one."))
    return render(request, "account/second-factor.html", {"form": form, "square": _square(device.config_url), "key": _groups(device.config_url)})


@for_the_signed_in
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Take the second factor away, with one last code of it."""
    form = Code(request.POST)
    shut = locked(ACCOUNT, request.user.name)
    if form.is_valid() and not shut and passes(request.user, form.cleaned_data["code"]) is not None:
        forget(request.user)
        note(request, "second factor removed", Resource())
        messages.success(request, t("The second factor was removed."))
        return redirect("account")
    failed(ACCOUNT, request.user.name)
    messages.error(request, t("The code is not right, was used before, or there were too many attempts."))
    return redirect("second-factor")


def _square(address: str) -> str:
    """The address of the key as an inline drawing, without styles."""
    out = io.BytesIO()
    segno.make(address, error="m").save(out, kind="svg", scale=5, border=3, xmldecl=False, svgns=False, omitsize=False, svgclass="square-code", lineclass=None)
    return mark_safe(out.getvalue().decode())  # our own drawing: digits and paths only


def _groups(address: str) -> str:
    """The key in groups of four letters, to be typed by hand."""
    key = address.partition("secret=")[2].partition("&")[0]
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))
