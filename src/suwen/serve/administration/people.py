"""People: who has an account, with which roles over what; an administrator of a part sees and changes what lies within that part."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from suwen.base.errors import SuwenError
from suwen.govern.people import accounts
from suwen.govern.people.models import RoleBinding, User
from suwen.govern.people.second_factor import device_of
from suwen.govern.policy.actions import Action, Role
from suwen.govern.policy.actors import WHOLE, Resource
from suwen.govern.policy.decisions import allowed_units, role_name, unit_name
from suwen.govern.present import present
from suwen.govern.texts.catalogue import t
from suwen.serve.administration.forms import Bind, Invite
from suwen.serve.gate import needs, require
from suwen.serve.language import column


@needs(Action.PEOPLE)
@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """All accounts; of their roles those within one's own reach."""
    people = [(user, _shown(request, user)) for user in User.objects.prefetch_related("bindings")]
    return render(request, "people/people.html", {"people": people})


@needs(Action.PEOPLE)
@require_http_methods(["GET", "POST"])
@sensitive_variables("password")
def invite(request: HttpRequest) -> HttpResponse:
    """Make an account; its first password is shown once, to be handed over."""
    form = Invite(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            user, password = accounts.add(form.cleaned_data["name"], request.actor.name, full_name=form.cleaned_data["full_name"])
        except SuwenError:
            form.add_error("name", t("The name is taken or does not fit: 2 to 120 small letters, digits and . _ - @ +, such as an e-mail address."))
        else:
            return render(request, "people/password.html", {"person": user, "password": password})
    return render(request, "people/invite.html", {"form": form})


@needs(Action.PEOPLE)
@require_GET
def one(request: HttpRequest, person: int) -> HttpResponse:
    """One account with its roles and what can be done about it."""
    return _page(request, get_object_or_404(User, pk=person), _form(request))


def _page(request: HttpRequest, user: User, form: Bind) -> HttpResponse:
    held = {"person": user, "bindings": _shown(request, user), "form": form, "device": device_of(user), "mine": _within(request, user)}
    return render(request, "people/person.html", held)


def _form(request: HttpRequest) -> Bind:
    """The form of a new role; its units are those the reader may give roles over."""
    language = translation.get_language() or "en"
    reach, tree = allowed_units(request.actor, Action.PEOPLE), present().tree()
    units = [(key, f"{tree.names[key][column()]} ({key})") for key in tree.organisations if reach is None or key in reach]
    whole = [(WHOLE, unit_name(request.actor, WHOLE, column()))] if reach is None else []
    return Bind([*whole, *units], language, request.POST if request.method == "POST" else None)


@dataclass(frozen=True)
class ShownRole:
    """A role with the names that the reader knows."""

    binding: RoleBinding
    role_name: str
    unit_name: str


def _shown(request: HttpRequest, user: User) -> list[ShownRole]:
    """An account's roles within the reader's reach."""
    reach, language = allowed_units(request.actor, Action.PEOPLE), translation.get_language() or "en"
    within = [held for held in user.bindings.all() if reach is None or held.unit in reach]
    return [ShownRole(held, role_name(Role(held.role), language), unit_name(request.actor, held.unit, column())) for held in within]


def _within(request: HttpRequest, user: User) -> bool:
    """Whether all of an account's roles lie within the reader's reach, so that the account as a whole is theirs to change."""
    reach = allowed_units(request.actor, Action.PEOPLE)
    return reach is None or all(held.unit in reach for held in user.bindings.all())


def _theirs(request: HttpRequest, person: int) -> User:
    """An account that the reader may change as a whole."""
    user = get_object_or_404(User, pk=person)
    for held in user.bindings.all():
        require(request, Action.PEOPLE, Resource(held.unit, f"account {user.name}"))
    return user


@needs(Action.PEOPLE)
@require_POST
def bind(request: HttpRequest, person: int) -> HttpResponse:
    """Give a role over an organisation within one's own reach."""
    user, form = get_object_or_404(User, pk=person), _form(request)
    if not form.is_valid():
        return _page(request, user, form)
    held = form.cleaned_data
    require(request, Action.PEOPLE, Resource(held["unit"], f"account {user.name}"))
    try:
        accounts.bind(user, Role(held["role"]), held["unit"], request.actor.name, first=held["first"], last=held["last"])
    except SuwenError:
        form.add_error(None, t("The role cannot be given so: the last day is before the first, or there is no such organisation."))
        return _page(request, user, form)
    return redirect("one-person", person=person)


@needs(Action.PEOPLE)
@require_POST
def unbind(request: HttpRequest, person: int, binding: int) -> HttpResponse:
    """Take a role away; not the last one that administers the whole region."""
    held = get_object_or_404(RoleBinding, pk=binding, user_id=person)
    require(request, Action.PEOPLE, Resource(held.unit, f"account {held.user.name}"))
    if accounts.is_last_administrator(held.user, held):
        messages.error(request, t("The last administrator of the whole region cannot be taken away: give the role to somebody else first."))
    else:
        accounts.unbind(held, request.actor.name)
    return redirect("one-person", person=person)


@needs(Action.PEOPLE)
@require_POST
def activate(request: HttpRequest, person: int) -> HttpResponse:
    """Shut an account out, or let it in again; not one's own, and not the last administrator's."""
    user = _theirs(request, person)
    if user.pk == request.user.pk or (user.is_active and accounts.is_last_administrator(user)):
        messages.error(request, t("Neither one's own account nor the last administrator's can be deactivated."))
    else:
        accounts.activate(user, not user.is_active, request.actor.name)
    return redirect("one-person", person=person)


@needs(Action.PEOPLE)
@require_POST
@sensitive_variables("password")
def reset(request: HttpRequest, person: int) -> HttpResponse:
    """A new first password for an account, shown once."""
    user = _theirs(request, person)
    return render(request, "people/password.html", {"person": user, "password": accounts.reset(user, request.actor.name)})
