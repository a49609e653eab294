"""Search over what a region names: indicators, organisations, feeds, templates and words; never over what records hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from suwen.govern.policy.tree import Tree
from suwen.model.region import Region
from suwen.packs.loader import Packs
from suwen.serve.console.glossary_page import chapters

MOST = 8
_KINDS = ("indicator", "organisation", "feed", "template", "word")  # what is looked for most, first; an exact name goes before all


@dataclass(frozen=True)
class Hit:
    """One thing found: what it is, its id, its name in the reader's language; `rank` the smaller the better."""

    what: str
    key: str
    name: str
    rank: int


def search(question: str, packs: Packs | None, tree: Tree, units: frozenset[str], region: Region, language: str, *, feeds: frozenset[str]) -> list[Hit]:
    """What fits a question: exact names first, then kind by kind.

    `units`: organisations the reader may see; `feeds`: those of which feeds too.
    """
    wanted = " ".join(question.casefold().split())
    if not wanted:
        return []
    at = 1 if language == "zh" else 0
    found: list[Hit] = []
    for indicator in (packs.indicators if packs else {}).values():
        found += _hit("indicator", indicator.code, indicator.title.get(language, indicator.code), (indicator.code, *indicator.title.values()), wanted)
    for unit in units:
        found += _hit("organisation", unit, tree.names[unit][at], (unit, *tree.names[unit]), wanted)
    for feed in region.feeds.values():
        if feed.organisation in feeds:
            found += _hit("feed", feed.name, feed.name, (feed.name, feed.template), wanted)
    for template in (packs.templates if packs else {}).values():
        found += _hit("template", template.name, template.title.get(language, template.name), (template.name, *template.title.values()), wanted)
    for chapter in chapters():
        for word in chapter.words:
            found += _hit("word", word.term, word.chinese if at else word.term, (word.term, word.chinese), wanted)
    return sorted(found, key=lambda one: (one.rank > 0, _KINDS.index(one.what), one.rank, one.key))


def _hit(what: str, key: str, name: str, texts: Iterable[str], wanted: str) -> list[Hit]:
    """One hit where a text is, begins with, or holds the question, in this order."""
    ranks = [0 if text == wanted else 1 if text.startswith(wanted) else 2 for text in (one.casefold() for one in texts) if wanted in text]
    return [Hit(what, key, name, min(ranks))] if ranks else []
