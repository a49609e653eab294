"""A breakdown file: a way of parting rows into groups of patients."""

from __future__ import annotations

from suwen.model.indicator import Breakdown
from suwen.model.pack import Expression
from suwen.packs.names import DASHED, check_name
from suwen.packs.problem import Problems
from suwen.packs.section import LANGUAGES, Section
from suwen.packs.toml_places import Document

BREAKDOWN_KEYS = ("name", "title", "owner", "source", "value", "label")


def read_breakdown(document: Document, problems: Problems) -> Breakdown:
    """The breakdown of a document. Mistakes go to `problems`; with any, the breakdown returned is not to be used."""
    top = Section(document, (), document.data, problems, BREAKDOWN_KEYS)
    name = top.text("name")
    check_name(top, "name", name, DASHED)
    labels = {code: {lang: section.said(lang) for lang in LANGUAGES} for code, section in top.named_sections("label", LANGUAGES, required=True).items()}
    if "label" in top.data and not labels:
        top.problem("label", '"label" is empty', expected="at least one group with its names")
    if "" in labels:
        top.problem("label", 'a group has the code ""', expected='codes that say something; "" is the group of all other rows')
    value = top.expression("value", required=True) or Expression("null", top.place())
    return Breakdown(name, top.place("name"), top.titles(), top.text("owner"), top.source(), value, labels, document.sha256)
