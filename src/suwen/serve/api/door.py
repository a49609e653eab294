"""The API itself: its description, how faults are told, and the one way by which a route comes into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import ValidationError
from ninja.renderers import JSONRenderer

from suwen.base.errors import SuwenError
from suwen.govern.policy.actions import Action
from suwen.govern.present import present
from suwen.serve.api.faults import Fault, of_error, of_fault, of_parameters
from suwen.serve.api.forms import MEDIA, RELEASE, Form
from suwen.serve.api.shapes import Problem
from suwen.serve.gate import Need, Refused, answer, needs

View = TypeVar("View", bound=Callable[..., Any])

DESCRIPTION = """\
A region's indicators, tables and the way back to the bytes, as its pages show them: the same decisions, the same masks. It only reads.

Every request shows a token of an account (`Authorization: Bearer suwen_...`), made on the page of one's account with a scope and an end; or, in a browser,
the session of who is signed in. What an answer holds depends on the roles of the account: organisations outside their reach are left out, or refused where
they are asked for by name.

Ids are text, since JSON readers round large whole numbers; so are all decimals, since they would make them binary. `exact` is a fraction in lowest terms
where a number does not end. Every answer names the release it was read from. Lists come in pages: `next` is given as `after` to go on, "" at the end.
Addresses that list CSV and Arrow among their forms send large answers in bounded memory; ask by `format` or by the header Accept.

区域的指标、数据表与原始字节追溯；与页面同一套权限判定与脱敏。只读。标识与小数均为文本；每个回答都注明其发布版本。
"""
STATUSES = {
    400: "The request does not fit.",
    401: "Nobody is signed in, or the token is not in force.",
    403: "The account may not do this.",
    404: "There is no such thing.",
    406: "The answer cannot have the form asked for.",
    429: "Too many requests, or too many long answers at a time.",
    500: "A defect of ours.",
    503: "The region's files or its control data cannot be read or written now, so that nothing is answered.",
}


class _Renderer(JSONRenderer):
    """JSON in UTF-8 as it is."""

    json_dumps_params: Mapping[str, Any] = MappingProxyType({"ensure_ascii": False})


api = NinjaAPI(
    title="Suwen",
    version="1",
    description=DESCRIPTION,
    docs_url=None,  # a page of that library would fetch its parts from outside
    openapi_url=None,
    urls_namespace="api",
    renderer=_Renderer(),
)


def answers(path: str, shape: Any, action: Action, *, part: str = "", tag: str = "", forms: tuple[Form, ...] = (Form.JSON,)) -> Callable[[View], View]:
    """Put a view at an address: what it answers, and what one needs. The first line of its docstring is its summary."""

    def put(view: View) -> View:
        marked = needs(action, part=part)(view)
        lines = (view.__doc__ or "").strip().splitlines()
        api.get(
            path,
            response={200: shape, **dict.fromkeys(STATUSES, Problem)},
            operation_id=view.__name__,
            url_name=view.__name__,
            summary=lines[0].rstrip(".") if lines else "",
            description="\n".join(line.strip() for line in lines[1:]).strip() or None,
            tags=[tag],
            openapi_extra=_extra(forms, action),
        )(marked)
        NEEDS[view.__name__] = marked.need  # type: ignore[attr-defined]
        return view

    return put


NEEDS: dict[str, Need] = {}  # name of an operation -> what it needs


def _extra(forms: tuple[Form, ...], action: Action) -> dict[str, Any]:
    """What the description says beyond the shapes: other forms, the header with the release, the action needed."""
    other = {MEDIA[form]: {"schema": {"type": "string", "format": "binary"}} for form in forms if form is not Form.JSON}
    header = {RELEASE: {"description": "The release that the answer was read from.", "schema": {"type": "string"}}}
    good = {"description": "The answer.", "content": other, **({"headers": header} if other else {})}
    return {
        "security": [{"token": []}, {"session": []}],
        "x-suwen-action": action.value,
        "responses": {200: good, **{status: {"description": text} for status, text in STATUSES.items()}},
    }


@api.exception_handler(Fault)
def _fault(request: HttpRequest, fault: Fault) -> HttpResponse:
    return of_fault(fault)


@api.exception_handler(SuwenError)
def _error(request: HttpRequest, error: SuwenError) -> HttpResponse:
    return of_error(error, str(present().region().folder))


@api.exception_handler(ValidationError)
def _parameters(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return of_parameters(error.errors)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    return answer(request, refused)
