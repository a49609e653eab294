"""The page of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suwen.flow.reference.markdown import code, page, section, table


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


_EXIT_CODES = (
    (0, "done"),
    (2, "something to be mended by you: the message says what was found, where, what was expected and what to do; nothing was changed"),
    (70, "a defect of ours: the message names a file, without data in it, to be reported"),
    (130, "interrupted"),
    (141, "nobody reads the output any more"),
)


def commands_page(commands: Sequence[CommandPage]) -> str:
    """Every command with its arguments and options."""
    parts = [section(command.name, code(command.usage), "", command.help, "", *_options(command)) for command in commands]
    return page(
        "Commands",
        ["A command reads the region in the current folder, or in the one that `--region` names; `--json` prints one JSON value instead of text."],
        ["Ids are texts in JSON, because not every reader keeps 63 bits. Progress and errors go to standard error."],
        *parts,
        section("Exit codes", *table(("code", "meaning"), _EXIT_CODES)),
    )


def _options(command: CommandPage) -> list[str]:
    return (
        table(("argument or option", "meaning", "if not given"), [(code(o.name), o.help, code(o.default)) for o in command.options]) if command.options else []
    )
