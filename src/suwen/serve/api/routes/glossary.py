"""The words of the house, and the names that packs give."""

from __future__ import annotations

from django.http import HttpRequest

from suwen.govern.policy.actions import Action
from suwen.serve.api.asking import asking
from suwen.serve.api.door import answers
from suwen.serve.api.forms import json_only
from suwen.serve.api.shapes import Answer, Names, Schema, told
from suwen.serve.console.glossary_page import chapters, named


class Word(Schema):
    """One word of the glossary."""

    chapter: str = told("The chapter it stands in.", "章节")
    term: Names
    meaning: str = told("What it is.", "含义")


class Named(Schema):
    """One thing that a pack names."""

    what: str = told("indicator, point, template or code map.", "类别")
    code: str = told("Its code or name.", "编码")
    title: Names


class Glossary(Answer):
    """Words and names."""

    words: list[Word]
    names: list[Named]


@answers("glossary", Glossary, Action.CATALOGUE, tag="glossary")
def glossary(request: HttpRequest) -> object:
    """Every word of the glossary, and every name in the packs in force."""
    json_only(request)
    asked = asking(request, Action.CATALOGUE)
    words = [
        {"chapter": chapter.title, "term": {"en": word.term, "zh": word.chinese}, "meaning": word.meaning} for chapter in chapters() for word in chapter.words
    ]
    things = [{"what": one.what, "code": one.code, "title": {"en": one.english, "zh": one.chinese}} for one in named(asked.published.packs)]
    return {"release": asked.release, "words": words, "names": things}
