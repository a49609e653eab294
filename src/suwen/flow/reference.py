"""The reference pages, made from what is declared: commands, functions, tables, finding codes, packs and templates with their examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from collections.abc import Sequence


@dataclass(frozen=True)
class OptionLine:
    """One argument or option: how it is written, what it means, what holds without it."""

    name: str
    help: str
    default: str


@dataclass(frozen=True)
class CommandPage:
    """One command: its name, how it is written, what it does, its arguments and options."""

    name: str
    usage: str
    help: str
    options: tuple[OptionLine, ...]


def write_reference(folder: Path, commands: Sequence[CommandPage]) -> list[Path]:
    return []
