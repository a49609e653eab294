"""Mistakes in declarations: gathered, so that one reading of a file tells all of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from suwen.base.errors import Place, SuwenError


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake: where it stands, what was found, what was expected, what to do. Sorts by file, line and text."""

    place: Place
    what: str
    expected: str = ""
    do: str = ""

    def __str__(self) -> str:
        return str(SuwenError(self.what, where=self.place, expected=self.expected, do=self.do))


class PackErrors(SuwenError):
    """All mistakes found in one reading of packs, in `problems`; never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        first = self.problems[0]
        super().__init__(first.what, where=first.place, expected=first.expected, do=first.do)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class Problems:
    """A growing list of mistakes; what is read goes on after each, with a harmless stand-in."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, place: Place, what: str, *, expected: str = "", do: str = "") -> None:
        self._found.append(Problem(place, what, expected, do))

    def add_error(self, error: SuwenError, file: str) -> None:
        """Take in an error raised by a lower reader; without a place of its own it belongs to `file`."""
        place = error.where if isinstance(error.where, Place) else Place(file)
        self._found.append(Problem(place, error.what, error.expected, error.do))

    def raise_if_any(self) -> None:
        if self._found:
            raise PackErrors(self._found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def nearest(word: str, known: Iterable[str]) -> str:
    """ "did you mean ...?" for a word close to a known one, else the short list of known ones, else ""."""
    choices = sorted(set(known))
    lowered = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{lowered[close[0]]}"?'
    return f"known: {', '.join(choices)}" if 0 < len(choices) <= 40 else ""
