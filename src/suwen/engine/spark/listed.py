"""Spark's words of the calls of the pack language, with their arguments set in as printed."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

from suwen.engine.forms import form_of
from suwen.engine.spark.printer import Printer, literal
from suwen.engine.sql import Tree
from suwen.model.functions import Function

_PLACEHOLDER = re.compile(r"\$(\$|args|zone|\d+)")  # $$ is a dollar of Spark's own
_LITERAL = re.compile(r"'(?:[^']|'')*'")
WRITTEN_OUT = 1000  # characters that repeating an argument may add; beyond, it is named once


def printed(printer: Printer, function: Function, args: Sequence[Tree]) -> str:
    """A call in Spark's words.

    An argument is repeated as often as its form says; a large one is bound to a name once, as that of a function over a list of one. Such a function
    is not compiled, so small ones are better repeated: Spark works out once what stands there twice, though not within a choice.
    """
    form = _in_sparks_literals(form_of(function, args, "spark"))
    texts = [printer.part(arg) for arg in args]
    given = {str(at): text for at, text in enumerate(texts[: len(texts) - function.is_zoned], 1)}
    used = Counter(found[1] for found in _PLACEHOLDER.finditer(form))
    large = [at for at, text in given.items() if (used[at] - 1) * len(text) > WRITTEN_OUT]
    names = dict(zip(large, _new_names(texts, len(large)), strict=True))
    filled = given | names | {"$": "$", "args": ", ".join(given.values()), "zone": texts[-1] if texts else ""}
    body = _PLACEHOLDER.sub(lambda found: filled[found[1]], form)
    for at in reversed(large):
        body = f"get(transform(array({given[at]}), {names[at]} -> {body}), 0)"
    return f"({body})"


@cache
def _in_sparks_literals(form: str) -> str:
    return _LITERAL.sub(lambda found: literal(found[0][1:-1].replace("''", "'")), form)


def _new_names(texts: Sequence[str], count: int) -> list[str]:
    """Names that stand in no text: a name must not hide a column that is meant inside its own binding."""
    free = (name for number in itertools.count(1) if not any((name := f"v{number}") in text for text in texts))
    return list(itertools.islice(free, count))
