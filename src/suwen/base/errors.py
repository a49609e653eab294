"""Two families of errors: yours (bad input or declaration) and ours (a defect)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands: a file (as the user named it) and a 1-based line; line 0 means the whole file."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class SuwenError(Exception):
    """Bad input or a bad declaration: yours to mend; the command line ends with exit code 2.

    `what` was found, `where`, what was `expected` and what to `do`. None of them may hold a value of a person.
    """

    def __init__(self, what: str, *, where: Place | str | None = None, expected: str = "", do: str = "", code: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.expected, self.do, self.code = what, where, expected, do, code

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.do:
            lines.append(f"  to do: {self.do}")
        return "\n".join(lines)


class Defect(Exception):
    """A broken promise inside Suwen: ours to mend; the command line ends with exit code 70."""
