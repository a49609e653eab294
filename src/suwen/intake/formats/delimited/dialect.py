"""How a delimited file is written, resolved to what the scanner needs."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from suwen.base.errors import SuwenError

SAMPLE_BYTES = 1 << 20
RECORD_LIMIT = 1 << 20
# Encodings in which the byte 0x0A is always a line feed. Stateful ones (ISO-2022, HZ, UTF-7) and UTF-32 are not read.
_STATEFUL = ("iso2022", "hz", "utf-7", "utf-32", "punycode", "idna", "unicode_escape", "raw_unicode_escape")


@dataclass(frozen=True)
class Dialect:
    """A resolved dialect: Python's codec name, one delimiter, quote ("" for none), bytes of the byte order mark.

    `open_encoding`: sniffed from plain ASCII only, so the first block that is not ASCII decides.
    """

    encoding: str
    delimiter: str
    quote: str
    mark: int = 0
    open_encoding: bool = False
    limit: int = RECORD_LIMIT

    @property
    def width(self) -> int:
        """Bytes of a line feed."""
        return 2 if self.encoding.startswith("utf-16") else 1

    @property
    def simple(self) -> bool:
        """True when delimiter and quote are one byte each, so that records can be found by vectorised comparison."""
        return len(self.delimiter.encode()) == 1 and len(self.quote.encode()) <= 1


def check(dialect: Dialect, where: str) -> None:
    """Raise SuwenError where delimiter and quote exclude each other."""
    marks = dialect.delimiter + dialect.quote
    if len(dialect.quote) > 1 or any(mark in marks for mark in "\r\n\0") or (dialect.quote and dialect.quote in dialect.delimiter):
        raise SuwenError(
            "the reader's delimiter and quote cannot be used together",
            where=where,
            expected="a quote of one character that is not in the delimiter, and no line end in either",
        )


def known_encoding(name: str, where: str) -> str:
    """Python's name of a declared encoding; raises SuwenError when it is not known or cannot be cut at line feeds."""
    try:
        known = codecs.lookup(name).name
        feed = "\n".encode(known)
    except (LookupError, ValueError):
        known = ""
    if not known or known.startswith(_STATEFUL) or (feed != b"\n" and not known.startswith("utf-16")):
        raise SuwenError(
            f"the encoding {name!r} is not one that can be read", where=where, expected="utf-8, gb18030, gbk, big5, shift_jis, latin-1, utf-16 or the like"
        )
    return "utf-8" if known in ("utf-8", "utf-8-sig") else known
