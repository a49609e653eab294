"""The gate before every page: a view says what it needs, one place decides, and a view that says nothing is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from suwen.govern.audit.chain import Happening, write
from suwen.govern.people.actors import actor_of
from suwen.govern.people.tokens import bearer
from suwen.govern.policy.actions import PERSONAL, Action
from suwen.govern.policy.actors import ANYWHERE, NOBODY, UNKNOWN, Actor, Resource
from suwen.govern.policy.decisions import Decision, decide
from suwen.govern.policy.reasons import REASONS
from suwen.serve.api.faults import is_api, said

_API_DO = {"POL-010": "show a token of an account: Authorization: Bearer suwen_...", "POL-013": "make a token whose scope holds it"}
View = TypeVar("View", bound=Callable[..., Any])
_TO_MEND = {"POL-010": "sign-in", "POL-012": "second-factor", "POL-015": "password"}


@dataclass(frozen=True)
class Need:
    """What a view needs: an action over the unit named by a part of its address, or over `resource`; or only a person, or nothing at all."""

    action: Action | None = None
    resource: Resource = ANYWHERE
    part: str = ""
    signed_in: bool = True


class Refused(Exception):
    """A decision that says no, on its way to the page that tells so."""

    def __init__(self, decision: Decision, action: Action | None = None, resource: Resource | None = None) -> None:
        super().__init__(decision.code)
        self.decision, self.action, self.resource = decision, action, resource or Resource()


def needs(action: Action, *, part: str = "", whole: bool = False) -> Callable[[View], View]:
    """The view needs an action: over the unit in this part of its address, over the whole region, or else anywhere (it then shows each their own)."""
    return _mark(Need(action, Resource() if whole else ANYWHERE, part))


def for_the_signed_in(view: View) -> View:
    """The view is for every active account, whatever its roles."""
    return _mark(Need())(view)


def open_to_all(view: View) -> View:
    """The view is for everybody, signed in or not."""
    return _mark(Need(signed_in=False))(view)


def _mark(need: Need) -> Callable[[View], View]:
    def marked(view: View) -> View:
        view.need = need  # type: ignore[attr-defined]
        return view

    return marked


def decided(request: HttpRequest, action: Action, resource: Resource) -> Decision:
    """The decision that lets the request's actor do this; raises Refused where it says no."""
    decision = decide(request.actor, action, resource)
    if not decision.allowed:
        raise Refused(decision, action, resource)
    return decision


def require(request: HttpRequest, action: Action, resource: Resource) -> Decision:
    """The same; what brings personal values to light is written down."""
    decision = decided(request, action, resource)
    if action in PERSONAL:
        note(request, action.value, resource, decision.code)
    return decision


def sees_identity(request: HttpRequest, unit: str, subject: str) -> bool:
    """Whether names and numbers of a subject of a unit are open to who asks; where they are, this look at them is written down."""
    resource = Resource(unit, subject)
    decision = decide(request.actor, Action.SEE_IDENTITY, resource)
    if decision.allowed:
        note(request, Action.SEE_IDENTITY.value, resource, decision.code)
    return decision.allowed


def may(request: HttpRequest, action: Action, resource: Resource = ANYWHERE) -> bool:
    """Whether the request's actor may do this, for a page that shows or leaves out; nothing is written down."""
    return decide(request.actor, action, resource).allowed


def note(request: HttpRequest, event: str, resource: Resource, code: str = "", purpose: str = "") -> None:
    """Write into the audit what the request's actor did."""
    actor: Actor = request.actor
    via = "page" if actor.scope is None else "token"
    write(Happening(actor.name or UNKNOWN, event, via, address_of(request), resource.unit, resource.subject, code, purpose))


def address_of(request: HttpRequest) -> str:
    """Where a request came from, as the server or its one trusted proxy says."""
    return str(request.META.get("REMOTE_ADDR", ""))


def back(request: HttpRequest) -> str:
    """Where a form says to go on, when that is an address of our own; else ""."""
    wanted = str(request.POST.get("next", "") or request.GET.get("next", ""))
    fits = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    return wanted if fits and wanted.startswith("/") else ""


class Gate:
    """Gives each request its actor, and each view only to those whom it is for; what is not in UTF-8 is nobody's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if getattr(request, "foreign", False):
            raise BadRequest("a charset other than UTF-8")
        request.actor = self._actor(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> HttpResponse | None:
        """Refuses before the view runs."""
        try:
            self._let_in(request, getattr(view, "need", None), kwargs)
        except Refused as refused:
            return answer(request, refused)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Tells a refusal that a view raised."""
        return answer(request, exception) if isinstance(exception, Refused) else None

    def _actor(self, request: HttpRequest) -> Actor:
        if "Authorization" in request.headers:
            return bearer(request.headers["Authorization"], address_of(request))
        user = request.user
        return actor_of(user, verified=user.is_verified()) if user.is_authenticated else NOBODY

    def _let_in(self, request: HttpRequest, need: Need | None, kwargs: dict[str, Any]) -> None:
        if need is None:
            raise Refused(_decision("POL-090"))
        if not need.signed_in:
            return
        if need.action is not None:
            decided(request, need.action, Resource(str(kwargs[need.part])) if need.part else need.resource)
        elif not request.actor.name or request.actor.scope is not None:
            raise Refused(_decision("POL-010"))


def _decision(code: str) -> Decision:
    reason = REASONS[code]
    return Decision(False, code, reason.message_en, reason.message_zh)


def answer(request: HttpRequest, refused: Refused) -> HttpResponse:
    """The page of a refusal: to sign in or to what is to be done first, else the reason. Refusals of somebody are written down."""
    code = refused.decision.code
    if request.actor.name and code not in _TO_MEND:
        note(request, f"refused: {refused.action.value if refused.action else 'page'}", refused.resource, code)
    told = refused.decision.reason(translation.get_language() or "en")
    if is_api(request) or "Authorization" in request.headers:
        return said(401 if code == "POL-010" else 403, told, code=code, do=_API_DO.get(code, ""))
    if code in _TO_MEND:
        return _sent_to(request, _TO_MEND[code])
    return render(request, "refused.html", {"reason": told, "code": code}, status=403)


def _sent_to(request: HttpRequest, name: str) -> HttpResponse:
    back = request.get_full_path() if request.method == "GET" else "/"
    target = f"{resolve_url(name)}?{urlencode({'next': back})}"
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = target
        return response
    return HttpResponseRedirect(target)
