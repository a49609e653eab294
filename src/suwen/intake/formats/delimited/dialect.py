"""How a delimited file is written, declared or sniffed, resolved to what the scanner needs."""

from __future__ import annotations

import codecs
from collections import Counter
from dataclasses import dataclass, replace

from suwen.base.errors import SuwenError
from suwen.model.pack import Delimited

SAMPLE_BYTES = 1 << 20
RECORD_LIMIT = 1 << 20
UNDECIDED = "RDR-008"
_DELIMITERS = (",", "\t", "|", ";", "^", "\x01", "\x1f", "~")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (b"\x84\x31\x95\x33", "gb18030"))
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


def resolve(spec: Delimited, sample: bytes, where: str, limit: int = RECORD_LIMIT) -> Dialect:
    """The dialect of a file that begins with `sample`. Raises SuwenError when the declaration is impossible or sniffing cannot decide."""
    encoding, mark, still_open = _encoding(spec.encoding, sample, where)
    quote = {"none": "", "": '"'}.get(spec.quote, spec.quote)
    dialect = Dialect(encoding, spec.delimiter or ",", quote, mark, still_open, limit)
    if not spec.delimiter:
        dialect = replace(dialect, delimiter=_sniff_delimiter(_text(sample[mark:], encoding), spec.skip_lines, quote, where))
    _check(dialect, where)
    return dialect


def _check(dialect: Dialect, where: str) -> None:
    marks = dialect.delimiter + dialect.quote
    if len(dialect.quote) > 1 or any(mark in marks for mark in "\r\n\0") or (dialect.quote and dialect.quote in dialect.delimiter):
        raise SuwenError("the reader's delimiter and quote cannot be used together", where=where,
                         expected="a quote of one character that is not in the delimiter, and no line end in either")


def _encoding(declared: str, sample: bytes, where: str) -> tuple[str, int, bool]:
    marked = next(((name, len(mark)) for mark, name in _MARKS if sample.startswith(mark)), ("", 0))
    if not declared:
        if marked[0]:
            return *marked, False
        return sniff_encoding(sample, where), 0, sample.isascii()
    name = known_encoding(declared, where)
    if name == "utf-16":
        return marked[0] or "utf-16-le", marked[1], False
    return name, marked[1] if marked[0] == name else 0, False


def known_encoding(name: str, where: str) -> str:
    """Python's name of a declared encoding; raises SuwenError when it is not known or cannot be cut at line feeds."""
    try:
        known = codecs.lookup(name).name
        "".encode(known)
    except (LookupError, ValueError):
        known = ""
    if not known or known.startswith(_STATEFUL):
        raise SuwenError(f"the encoding {name!r} is not one that can be read", where=where,
                         expected="utf-8, gb18030, gbk, big5, shift_jis, latin-1, utf-16 or the like")
    return "utf-8" if known in ("utf-8", "utf-8-sig") else known


def sniff_encoding(sample: bytes, where: str) -> str:
    """UTF-8 when valid, else UTF-16 by its zero bytes, else GB18030 when valid and plausibly Chinese. Raises SuwenError otherwise."""
    if b"\0" in sample[:4096]:
        odd, even = sample[1:4096:2].count(0), sample[0:4096:2].count(0)
        if max(odd, even) > 8 * min(odd, even):
            return "utf-16-le" if odd > even else "utf-16-be"
    if _valid(sample, "utf-8"):
        return "utf-8"
    if _valid(sample, "gb18030") and _plausible(_text(sample, "gb18030")):
        return "gb18030"
    raise SuwenError("the encoding cannot be told from the bytes", where=where, expected="a byte order mark, UTF-8, UTF-16 or GB18030 (these were tried)",
                     do="declare `encoding` in the template's [reader]", code=UNDECIDED)


def _valid(sample: bytes, encoding: str) -> bool:
    """True when all of the sample but a character cut off at its end is valid."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _plausible(text: str) -> bool:
    """True when most characters that are not ASCII are everyday Chinese: the 3,755 characters of GB 2312's first level, or its punctuation."""
    wide = [char for char in text if char > "\x7f"]
    return 2 * sum(map(_common, wide)) > len(wide)


def _common(char: str) -> bool:
    try:
        code = char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return 0xB0 <= code[0] <= 0xD7 or 0xA1 <= code[0] <= 0xA3


def _text(sample: bytes, encoding: str) -> str:
    return codecs.getincrementaldecoder(encoding)("replace").decode(sample, final=False)


def _sniff_delimiter(text: str, skip: int, quote: str, where: str) -> str:
    """The candidate that gives most of the first lines the same number of fields, the more the better; none found in a one-column file: comma."""
    lines = [line for line in text.split("\n")[skip:skip + 200] if line.strip("\r")]
    if len(lines) > 1 and not text.endswith("\n"):
        lines.pop()
    scores = {one: _consistency(lines, one, quote) for one in _DELIMITERS}
    best = max(scores, key=lambda one: scores[one])
    if scores[best] == (0.0, 0):
        if lines and all(line.strip('\r"').replace("_", "").isalnum() for line in lines[:20]):
            return ","
        if not lines:
            return ","
        tried = ", ".join(repr(one) for one in _DELIMITERS)
        raise SuwenError("the delimiter cannot be told from the first lines", where=where, expected=f"one of {tried} (these were tried) as often in most lines",
                         do="declare `delimiter` in the template's [reader]", code=UNDECIDED)
    return best


def _consistency(lines: list[str], delimiter: str, quote: str) -> tuple[float, int]:
    """Share of lines that have as many unquoted delimiters as the commonest line, and that number; (0, 0) when under two thirds or none."""
    counts = Counter(_unquoted(line, delimiter, quote) for line in lines)
    counts.pop(0, None)
    if not counts:
        return 0.0, 0
    number, times = max(counts.items(), key=lambda item: (item[1], item[0]))
    share = times / len(lines)
    return (round(share, 1), number) if 3 * times >= 2 * len(lines) else (0.0, 0)


def _unquoted(line: str, delimiter: str, quote: str) -> int:
    if not quote or quote not in line:
        return line.count(delimiter)
    return sum(part.count(delimiter) for part in line.split(quote)[::2])
