"""Signing in, with a second step where the account has a second factor, and signing out."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_otp import login as otp_login

from suwen.base.clock import now
from suwen.govern.audit.chain import Happening, write
from suwen.govern.people.accounts import plain_name
from suwen.govern.people.lockout import ACCOUNT, ADDRESS, BROWSER, failed, locked, succeeded
from suwen.govern.people.models import User
from suwen.govern.people.second_factor import device_of, passes
from suwen.govern.policy.actors import UNKNOWN
from suwen.govern.texts.catalogue import t
from suwen.serve.account.browsers import known
from suwen.serve.account.browsers import remember as remember_browser
from suwen.serve.account.forms import Code, SignIn
from suwen.serve.gate import address_of, back, for_the_signed_in, open_to_all
from suwen.serve.language import KNOWN, remember
from suwen.serve.sessions import begin

_PENDING, _STEP_SECONDS = "pending", 300


@open_to_all
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Name and password. The answer to a failure is always the same, whether the account is there, locked or neither."""
    form = SignIn(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        user = _proven(request, plain_name(form.cleaned_data["name"]), form.cleaned_data["password"])
        if user is not None and device_of(user) is not None:
            request.session.cycle_key()
            request.session[_PENDING] = [user.pk, now().timestamp(), back(request)]
            return redirect("sign-in-code")
        if user is not None:
            return _enter(request, user, back(request))
        form.add_error(None, t("Name and password do not fit, or there were too many attempts: wait a while."))
    return render(request, "account/sign-in.html", {"form": form, "next": back(request)})


def _proven(request: HttpRequest, name: str, password: str) -> User | None:
    """The account of a name where the password is right and neither it nor the address is locked out."""
    shut = _shut(request, name)
    user = authenticate(request, username=name, password=password)  # always, so that time does not tell who is locked out
    if user is not None and not shut:
        return user
    _count(request, name, shut=shut)
    return None


def _shut(request: HttpRequest, name: str) -> bool:
    """Whether no attempt at an account counts now: from a browser that it knows for that browser's own failures alone."""
    browser = known(request, name)
    return locked(BROWSER, browser) if browser else locked(ACCOUNT, name) or locked(ADDRESS, address_of(request))


def _count(request: HttpRequest, name: str, *, shut: bool) -> None:
    """Count and write down a failure. What comes while a wait lasts neither prolongs it nor fills the audit; names that nobody has are not kept."""
    if shut:
        return
    address, browser, there = address_of(request), known(request, name), User.objects.filter(name=name).exists()
    begun = [failed(BROWSER, browser)] if browser else [there and failed(ACCOUNT, name), failed(ADDRESS, address)]
    event = "locked out" if True in begun else "sign-in failed"
    write(Happening(name if there else UNKNOWN, event, address=address))


@open_to_all
@require_http_methods(["GET", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """The code of the second factor, or a recovery code."""
    pending = request.session.get(_PENDING)
    user = User.objects.filter(pk=pending[0], is_active=True).first() if pending else None
    if pending is None or user is None or now().timestamp() - pending[1] > _STEP_SECONDS:
        request.session.pop(_PENDING, None)
        return redirect("sign-in")
    form = Code(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        shut = _shut(request, user.name)
        device = None if shut else passes(user, form.cleaned_data["code"])
        if device is not None:
            response = _enter(request, user, pending[2])
            otp_login(request, device)
            return response
        _count(request, user.name, shut=shut)
        form.add_error(None, t("The code is not right, was used before, or there were too many attempts."))
    return render(request, "account/sign-in-code.html", {"form": form})


def _enter(request: HttpRequest, user: User, target: str) -> HttpResponse:
    browser = known(request, user.name)
    succeeded(*((BROWSER, browser) if browser else (ACCOUNT, user.name)))
    login(request, user)
    request.session.pop(_PENDING, None)
    begin(request)
    write(Happening(user.name, "signed in", address=address_of(request)))
    response = HttpResponseRedirect(target or "/")
    if not browser:
        remember_browser(response, user)
    return response


@for_the_signed_in
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    write(Happening(request.actor.name, "signed out", address=address_of(request)))
    logout(request)
    return redirect("sign-in")


@open_to_all
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Choose a language for this browser, and for the account where somebody is signed in."""
    wanted = str(request.POST.get("language", ""))
    response = HttpResponseRedirect(back(request) or "/")
    if wanted in KNOWN:
        remember(response, wanted)
        if request.user.is_authenticated:
            User.objects.filter(pk=request.user.pk).update(language=wanted)
    return response
