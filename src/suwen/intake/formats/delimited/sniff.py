"""What a file's first bytes tell of how it is written, where the template does not."""

from __future__ import annotations

import codecs
from collections import Counter
from dataclasses import replace

from suwen.base.errors import SuwenError
from suwen.intake.formats.delimited import by_line
from suwen.intake.formats.delimited.block import NONE, Lines
from suwen.intake.formats.delimited.dialect import RECORD_LIMIT, Dialect, check, known_encoding
from suwen.intake.formats.delimited.rows import split, unended
from suwen.model.pack import Delimited

UNDECIDED = "RDR-008"
SHOWN_BYTES = 64 << 10  # how much of the text the delimiter is judged by
_DELIMITERS = (",", "\t", "|", ";", "^", "\x01", "\x1f", "~")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (b"\x84\x31\x95\x33", "gb18030"))


def resolve(spec: Delimited, sample: bytes, where: str, limit: int = RECORD_LIMIT) -> Dialect:
    """The dialect of a file that begins with `sample`. Raises SuwenError when the declaration is impossible or sniffing cannot decide."""
    encoding, mark, still_open = _encoding(spec.encoding, sample, where)
    quote = {"none": "", "": '"'}.get(spec.quote, spec.quote)
    dialect = Dialect(encoding, spec.delimiter or ",", quote, mark, still_open, limit)
    if not spec.delimiter:
        dialect = replace(dialect, delimiter=sniff_delimiter(_text(sample[mark:], encoding), spec.skip_lines, quote, where))
    check(dialect, where)
    return dialect


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
    raise SuwenError(
        "the encoding cannot be told from the bytes",
        where=where,
        expected="a byte order mark, UTF-8, UTF-16 or GB18030 (these were tried)",
        do="declare `encoding` in the template's [reader]",
        code=UNDECIDED,
    )


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


def sniff_delimiter(text: str, skip: int, quote: str, where: str) -> str:
    """The candidate by which most of the first records have the same number of fields, the more fields the better.

    A comma for a file with nothing, or only names and numbers of one column, in it. Raises SuwenError when no candidate will do.
    """
    shown = "".join(text[:SHOWN_BYTES].splitlines(keepends=True)[skip:]) if skip else text[:SHOWN_BYTES]
    if len(text) > SHOWN_BYTES and "\n" in shown:
        shown = shown[: shown.rindex("\n") + 1]
    counts = {one: _fields(shown, one, quote, whole=len(text) <= SHOWN_BYTES) for one in _DELIMITERS}
    scores = {one: _consistency(found) for one, found in counts.items()}
    best = max(scores, key=lambda one: scores[one])
    if scores[best][1] > 1:
        return best
    if all(line.strip('\r"').replace("_", "").isalnum() for line in shown.split("\n")[:20] if line.strip("\r")):
        return ","
    tried = ", ".join(repr(one) for one in _DELIMITERS)
    raise SuwenError(
        "the delimiter cannot be told from the first records",
        where=where,
        expected=f"one of {tried} (these were tried) as often in most records",
        do="declare `delimiter` in the template's [reader]",
        code=UNDECIDED,
    )


def _fields(text: str, delimiter: str, quote: str, whole: bool) -> list[int]:
    """Numbers of fields of the records by this delimiter; a record with bad quoting has none."""
    raw = text.encode("utf-8", "replace")
    dialect = Dialect("utf-8", delimiter, quote)
    raw = raw if raw.endswith(b"\n") else raw + b"\n"
    block = by_line.cut(Lines(raw, raw, None, NONE, False), dialect, 0, 1, len(raw), eof=True, most=SHOWN_BYTES)
    if block is None:
        return []
    found = []
    for number, (start, end) in enumerate(zip(block.starts.tolist(), block.ends.tolist(), strict=True)):
        fields = None if number in block.rejected else split(unended(raw[start:end].decode()), dialect)
        found.append(len(fields or ()))
    return found if whole else found[:-1]


def _consistency(counts: list[int]) -> tuple[float, int]:
    """Share (in tenths) of records with the commonest number of fields, and that number; (0, 0) when under two thirds."""
    if not counts:
        return 0.0, 0
    number, times = max(Counter(counts).items(), key=lambda item: (item[1], item[0]))
    if number < 2 or 3 * times < 2 * len(counts):
        return 0.0, 0
    return round(times / len(counts), 1), number
