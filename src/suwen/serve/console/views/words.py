"""The glossary, and search over all that the region names."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from suwen.govern.policy.actions import Action
from suwen.govern.texts.catalogue import t
from suwen.serve.console.finding import MOST, Hit, search
from suwen.serve.console.glossary_page import anchored, chapters, named
from suwen.serve.console.tags import language
from suwen.serve.console.views.reading import page, reading, told
from suwen.serve.gate import needs

_PAGES = {"indicator": "indicator", "organisation": "organisation", "feed": "feed", "template": "template"}


@needs(Action.CATALOGUE)
@told
def glossary(request: HttpRequest) -> HttpResponse:
    """The words of the house, and what the packs name."""
    at = reading(request)
    held = {"chapters": chapters(), "named": named(at.published.packs) if at.published else []}
    return page(request, "console/glossary.html", held, at)


@needs(Action.VALUES)
@told
def found(request: HttpRequest) -> HttpResponse:
    """The page of a search."""
    return page(request, "console/search.html", _found(request, 200), reading(request))


@needs(Action.VALUES)
def hits(request: HttpRequest) -> HttpResponse:
    """The first hits, for the list below the field."""
    return render(request, "console/hits.html", _found(request, MOST))


def _found(request: HttpRequest, most: int) -> dict[str, object]:
    at, question = reading(request), request.GET.get("q", "")[:80]
    packs = at.published.packs if at.published else None
    hits = search(question, packs, at.tree, at.scope.units, at.region, language(), feeds=reading(request, Action.FEEDS).scope.units)
    return {"searched": question, "hits": [(hit, _address(hit), t(hit.what)) for hit in hits[:most]], "more": max(0, len(hits) - most)}


def _address(hit: Hit) -> str:
    return reverse(_PAGES[hit.what], args=[hit.key]) if hit.what in _PAGES else f"{reverse('glossary')}#{anchored(hit.key)}"
