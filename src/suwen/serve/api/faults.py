"""The one shape in which the API says what went wrong, and how each kind of fault comes into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse

from suwen.base.errors import SuwenError

PREFIX = "/api/"


class Fault(Exception):
    """A request that cannot be answered: the status, and what is said of it in the words of SuwenError."""

    def __init__(self, status: int, what: str, *, where: str = "", expected: str = "", do: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(what)
        self.status, self.what, self.where, self.expected, self.do, self.headers = status, what, where, expected, do, headers or {}


def is_api(request: HttpRequest) -> bool:
    """Whether a request is one of a program, which wants no page."""
    return request.path.startswith(PREFIX)


def said(status: int, what: str, *, code: str = "", where: str = "", expected: str = "", do: str = "") -> JsonResponse:
    """An answer in the one shape. `code`: of a decision (POL-...); by itself API and the status."""
    fault = {"code": code or f"API-{status}", "what": what, "where": where, "expected": expected, "do": do}
    response = JsonResponse({"error": {name: _plain(text) for name, text in fault.items()}}, status=status, json_dumps_params={"ensure_ascii": False})
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="suwen"'
    return response


def of_fault(fault: Fault) -> JsonResponse:
    """A fault of the API's own."""
    response = said(fault.status, fault.what, where=fault.where, expected=fault.expected, do=fault.do)
    for name, value in fault.headers.items():
        response[name] = value
    return response


def of_error(error: SuwenError, folder: str, status: int = HTTPStatus.BAD_REQUEST) -> JsonResponse:
    """What is wrong with what was asked; the region's own folder is not named to the world."""
    texts = (error.what, str(error.where or ""), error.expected, error.do)
    what, where, expected, do = (text.replace(folder, "the region's folder") for text in texts)
    return said(status, what, code=error.code, where=where, expected=expected, do=do)


def of_parameters(errors: Sequence[Mapping[str, Any]]) -> JsonResponse:
    """The first parameter that does not fit; its value is not repeated."""
    first = errors[0] if errors else {}
    place = [str(part) for part in first.get("loc", ())]
    return said(HTTPStatus.BAD_REQUEST, "a parameter does not fit", where=" ".join((place[0], place[-1])) if place else "", expected=str(first.get("msg", "")))


def _plain(text: str) -> str:
    """A text without characters that hide, act or turn their neighbours around."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
