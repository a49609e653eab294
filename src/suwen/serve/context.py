"""What every page's template knows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import translation

from suwen.govern.policy.actions import Action
from suwen.govern.present import present
from suwen.serve.gate import may


def page(request: HttpRequest) -> dict[str, Any]:
    """`region`: its name; `html_language`, `language` ("en" or "zh"), `theme`; `may`: action's name in capitals -> whether the reader may do it anywhere."""
    language = translation.get_language() or "en"
    known = hasattr(request, "actor")
    return {
        "region": present().region(),
        "html_language": "zh-CN" if language.startswith("zh") else "en",
        "language": language[:2],
        "theme": getattr(getattr(request, "user", None), "theme", "auto"),
        "may": {action.name: known and may(request, action) for action in Action},
    }
