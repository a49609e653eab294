"""The reference pages, made from what is declared: commands, functions, tables, finding codes, packs, templates and code maps."""

from suwen.flow.reference.commands import CommandPage, OptionLine
from suwen.flow.reference.pages import reference_pages, write_reference

__all__ = ["CommandPage", "OptionLine", "reference_pages", "write_reference"]
