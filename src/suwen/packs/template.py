"""A template file: how one vendor's system becomes the CDM."""

from __future__ import annotations

from suwen.model.pack import Template
from suwen.packs.example import read_examples
from suwen.packs.kind import read_kinds, read_reader
from suwen.packs.names import VENDOR_PRODUCT, check_name
from suwen.packs.problem import Problems
from suwen.packs.section import Section
from suwen.packs.target import read_targets
from suwen.packs.toml_places import Document

TEMPLATE_KEYS = ("name", "title", "owner", "source", "reader", "kind", "target", "example")


def read_template(document: Document, problems: Problems) -> Template:
    """The template of a document. Mistakes go to `problems`; with any, the template returned is not to be used."""
    top = Section(document, (), document.data, problems, TEMPLATE_KEYS)
    name = top.text("name")
    check_name(top, "name", name, VENDOR_PRODUCT)
    kinds = read_kinds(top)
    targets = read_targets(top, kinds)
    return Template(
        name=name,
        place=top.place("name"),
        title=top.titles(),
        owner=top.text("owner"),
        source=top.source(),
        reader=read_reader(top),
        kinds=kinds,
        targets=targets,
        examples=read_examples(top, kinds, targets),
        sha256=document.sha256,
    )
