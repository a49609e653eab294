"""What a delimited file holds, by the slowest and plainest reading of the rules: the judge of the fast one. Shares no code with it."""

from __future__ import annotations

from dataclasses import dataclass

FEED = {"utf-16-le": b"\n\0", "utf-16-be": b"\0\n"}


@dataclass(frozen=True)
class Expected:
    """One record: its bytes, its 1-based line, and either values (None is null) or a finding code."""

    start: int
    end: int
    line: int
    values: list[str | None] | None
    code: str | None


def physical_lines(raw: bytes, encoding: str) -> list[tuple[int, int]]:
    feed = FEED.get(encoding, b"\n")
    lines, start, at = [], 0, 0
    while at < len(raw):
        if raw[at : at + len(feed)] == feed:
            lines.append((start, at + len(feed)))
            start = at + len(feed)
        at += len(feed)
    return lines + ([(start, len(raw))] if start < len(raw) else [])


def text_of(raw: bytes, encoding: str) -> tuple[str, bool]:
    """The line's text without its line feed, and whether all of it was valid."""
    feed = FEED.get(encoding, b"\n")
    body = raw[: -len(feed)] if raw.endswith(feed) and len(raw) % len(feed) == 0 else raw
    try:
        return body.decode(encoding), True
    except UnicodeDecodeError:
        return body.decode(encoding, "replace"), False


def quoted_value(text: str, place: int, quote: str) -> tuple[str, int] | None:
    """The value of the quoted field whose text begins at `place`, and the place after its closing quote; None when it is never closed."""
    value = ""
    while place < len(text):
        if text[place] != quote:
            value += text[place]
            place += 1
        elif text[place : place + 2] == quote * 2:
            value += quote
            place += 2
        else:
            return value, place + 1
    return None


def open_value(text: str, place: int, delimiter: str) -> tuple[str, int]:
    value = ""
    while place < len(text) and text[place] != "\n" and not text.startswith(delimiter, place):
        value += text[place]
        place += 1
    return value, place


def scan(texts: list[str], first: int, delimiter: str, quote: str) -> tuple[int, list[tuple[str, bool]]] | None:
    """(last line, fields) of the record that begins with line `first`; None when its quoting is bad or never ends."""
    text, place = "\n".join(texts[first:]), 0
    fields: list[tuple[str, bool]] = []
    while True:
        quoted = bool(quote) and text[place : place + 1] == quote
        found = quoted_value(text, place + 1, quote) if quoted else open_value(text, place, delimiter)
        if found is None:
            return None
        value, place = found
        rest = text[place:]
        if rest.startswith(delimiter):
            fields.append((value, quoted))
            place += len(delimiter)
            continue
        if quoted and not (rest in ("", "\r") or rest.startswith(("\n", "\r\n"))):
            return None
        fields.append((value if quoted else value.removesuffix("\r"), quoted))
        return first + text[:place].count("\n"), fields


def records(raw: bytes, encoding: str, delimiter: str, quote: str, columns: int, limit: int, null: tuple[str, ...] = ("",)) -> list[Expected]:
    lines = physical_lines(raw, encoding)
    decoded = [text_of(raw[a:b], encoding) for a, b in lines]
    texts = [text for text, _ in decoded]
    found, at = [], 0
    while at < len(lines):
        if texts[at] in ("", "\r") and decoded[at][1]:
            at += 1
            continue
        start, end = lines[at]
        parsed = scan(texts, at, delimiter, quote)
        if parsed is None or lines[parsed[0]][1] - start > limit:
            found.append(Expected(start, end, at + 1, None, "RDR-005" if end - start > limit else "RDR-002"))
            at += 1
            continue
        last, fields = parsed
        end = lines[last][1]
        code = None
        if not all(valid for _, valid in decoded[at : last + 1]):
            code = "RDR-003"
        elif "\0" in "".join(texts[at : last + 1]):
            code = "RDR-004"
        elif len(fields) != columns:
            code = "RDR-001"
        values = None if code else [None if not quoted and value in null else value for value, quoted in fields]
        found.append(Expected(start, end, at + 1, values, code))
        at = last + 1
    return found
