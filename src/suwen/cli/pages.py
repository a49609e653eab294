"""The command line described for the reference pages, read off the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suwen.flow.reference import CommandPage, OptionLine


def command_pages(root: Any) -> list[CommandPage]:
    """Every command below a root command, in the order of its help."""
    return list(_pages(root, "suwen"))


def _pages(command: Any, name: str) -> Iterator[CommandPage]:
    inner = getattr(command, "commands", None)
    if inner:
        for word, one in inner.items():
            yield from _pages(one, f"{name} {word}")
        return
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and "--help" not in p.opts]
    usage = " ".join([name, *(str(p.metavar or p.name.upper()) for p in arguments), "[OPTIONS]"])
    lines = [OptionLine(str(p.metavar or p.name.upper()), p.help or "", "") for p in arguments]
    yield CommandPage(name, usage, (command.help or "").strip(), tuple([*lines, *(_option(p) for p in options)]))


def _option(option: Any) -> OptionLine:
    if option.secondary_opts:  # a switch with a word for each way
        words = option.opts[-1], option.secondary_opts[-1]
        return OptionLine("/".join(words), option.help or "", words[0 if option.default else 1])
    shown = option.opts[-1] + ("" if option.is_flag else f" {option.metavar or option.name.upper()}")
    default = "" if option.is_flag or option.default in (None, "", ()) or callable(option.default) else str(option.default)
    return OptionLine(shown, option.help or "", default)
