"""One's own account: language, colours, password, tokens."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from suwen.base.clock import now
from suwen.govern.people.models import AccessToken, User
from suwen.govern.people.second_factor import device_of
from suwen.govern.people.tokens import make_token
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import Resource
from suwen.govern.policy.decisions import role_name, unit_name
from suwen.govern.texts.catalogue import t
from suwen.serve.account.forms import NewPassword, NewToken, Preferences
from suwen.serve.gate import back, for_the_signed_in, needs, note
from suwen.serve.language import column, remember


@for_the_signed_in
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Who one is here, with one's roles; language and colours can be chosen."""
    form = Preferences(request.POST if request.method == "POST" else None, initial={"language": request.user.language, "theme": request.user.theme})
    if request.method == "POST" and form.is_valid():
        User.objects.filter(pk=request.user.pk).update(**form.cleaned_data)
        response = redirect("account")
        remember(response, form.cleaned_data["language"])
        return response
    language = translation.get_language() or "en"
    roles = [(role_name(grant.role, language), unit_name(request.actor, grant.bound_to, column())) for grant in request.actor.grants]
    return render(request, "account/account.html", {"form": form, "roles": roles, "device": device_of(request.user)})


@for_the_signed_in
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change the password; other sessions of the account end."""
    form = NewPassword(request.user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        user = request.user
        user.set_password(form.cleaned_data["new"])
        user.must_change_password = False
        user.save()
        update_session_auth_hash(request, user)
        note(request, "password changed", Resource())
        messages.success(request, t("The password was changed."))
        return redirect(back(request) or "account")
    return render(request, "account/password.html", {"form": form})


@needs(Action.TOKENS)
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The tokens of one's programs; a new one's text is shown once."""
    form, text = NewToken(request.POST if request.method == "POST" else None), ""
    if request.method == "POST" and form.is_valid():
        held = form.cleaned_data
        token, text = make_token(request.user, held["label"], [Action(word) for word in held["scope"]], timedelta(days=held["days"]))
        note(request, "token made", Resource(subject=f"token {token.pk}"))
        form = NewToken()
    own = AccessToken.objects.filter(user=request.user)
    return render(request, "account/tokens.html", {"form": form, "text": text, "tokens": own, "now": now()})


@needs(Action.TOKENS)
@require_POST
def revoke(request: HttpRequest, token: int) -> HttpResponse:
    """End a token of one's own."""
    held = get_object_or_404(AccessToken, pk=token, user=request.user)
    AccessToken.objects.filter(pk=held.pk, revoked_at__isnull=True).update(revoked_at=now())
    note(request, "token revoked", Resource(subject=f"token {held.pk}"))
    return redirect("tokens")
