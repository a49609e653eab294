"""The WSGI application; settings must have been made from a region before it is imported."""

from __future__ import annotations

from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

_OURS = ("", "utf-8", "utf8")


class Request(WSGIRequest):
    """A request in UTF-8. `foreign`: it says otherwise, or something that nobody understands, so that it is refused before anything of it is decoded.

    Django takes any codec of Python for a charset: those that are none end a request before there is anybody to answer it, others let lone surrogates in.
    """

    foreign = False

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
            self.foreign = self.content_params.get("charset", "").strip().lower() not in _OURS
        except (ValueError, LookupError):
            self.content_type, self.content_params, self.foreign = "", {}, True


class Application(WSGIHandler):
    """Django's, with our requests."""

    request_class = Request


django.setup(set_prefix=False)
application = Application()
