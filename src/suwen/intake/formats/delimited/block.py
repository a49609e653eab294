"""A block: a run of whole records found together, in the member's own bytes and as UTF-8 text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

BAD_FIELDS, BAD_QUOTING, BAD_ENCODING, NUL_BYTE, TOO_LONG = "RDR-001", "RDR-002", "RDR-003", "RDR-004", "RDR-005"
LF, CR = 10, 13
ANY = "*"  # the line end of a block that has none: one record at the end of the file
NONE: Int64s = np.zeros(0, np.int64)


class Readable(Protocol):
    """Something bytes come from, in order."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Block:
    """Whole records and the blank lines between them. `offset` is that of `raw` in the member, `line` the 1-based line it begins with.

    `starts`, `ends`: the records in `raw`; `text_starts`, `text_ends`: the same in `text`, its UTF-8 form; `line_ends`: all lines in `raw`.
    `plain`: records that Arrow's reader takes as the rules of `scan` do. `newline`: the one way all lines end (inside quotes too), "" when mixed.
    `regular`: all plain, one way of ending, no blank line. `rejected`: records whose line was rejected already, with their code.
    """

    offset: int
    line: int
    raw: bytes
    text: bytes
    starts: Int64s
    ends: Int64s
    text_starts: Int64s
    text_ends: Int64s
    line_ends: Int64s
    plain: Bools
    newline: str
    regular: bool
    rejected: dict[int, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes covered, blank lines included."""
        return int(self.line_ends[-1]) if len(self.line_ends) else 0

    def lines_of(self, starts: Int64s) -> Int64s:
        """1-based physical lines of the records with these `starts`."""
        found: Int64s = np.searchsorted(self.line_ends, starts, "right") + self.line
        return found


@dataclass(frozen=True)
class Lines:
    """Whole physical lines of a member in three forms: bytes as they are, UTF-8 text ending in a line feed, and line ends in the bytes.

    Line i of the text is line i of the bytes. `ends` None: the text's own line feeds end the lines. `broken`: places in the text of bytes that are not
    valid (UTF-8), or of U+FFFD, which stands for such bytes (other encodings). `open_end`: the last line has no line feed of its own.
    """

    raw: bytes
    text: bytes
    ends: Int64s | None
    broken: Int64s
    open_end: bool
