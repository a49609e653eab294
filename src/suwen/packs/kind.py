"""The first half of a template: how files are written (`[reader]`) and which kinds of record they hold (`[kind.<name>]`)."""

from __future__ import annotations

import codecs

from suwen.model.pack import Delimited, Kind
from suwen.packs.names import WORD, check_columns, check_name
from suwen.packs.problem import nearest
from suwen.packs.section import Section

READER_KEYS = ("delimiter", "quote", "encoding", "header", "skip_lines", "null")
KIND_KEYS = ("files", "columns", "optional", "key", "version", "tombstone", "window")
_USUAL_ENCODINGS = ("utf-8", "gb18030", "gbk", "gb2312", "big5", "utf-16", "latin-1", "cp1252")


def read_reader(document: Section) -> Delimited:
    """The `[reader]` table; the usual CSV where it or a key of it is absent."""
    section = document.section("reader", READER_KEYS)
    if section is None:
        return Delimited()
    plain = Delimited()
    delimiter = _mark(section, "delimiter", plain.delimiter)
    quote = _mark(section, "quote", plain.quote, word="none")
    if delimiter and delimiter == quote:
        section.problem("quote" if "quote" in section.data else "delimiter", '"quote" equals "delimiter"', expected="two different characters")
    return Delimited(
        delimiter=delimiter,
        quote=quote,
        encoding=_encoding(section, plain.encoding),
        header=section.flag("header", plain.header),
        skip_lines=section.whole("skip_lines", plain.skip_lines, least=0),
        null=tuple(dict.fromkeys(("", *section.texts("null", blank=True)))),
    )


def _mark(section: Section, key: str, default: str, word: str = "") -> str:
    """One character, "" for sniffing, or the word that switches it off."""
    mark = section.text(key, required=False, default=default, blank=True)
    if mark in ("", word) and (mark or key in section.data):
        return mark
    if len(mark) != 1:
        section.problem(key, f'"{key}" has {len(mark)} characters', expected='one character, or "" to find it out' + (f', or "{word}"' if word else ""))
        return default
    if mark in "\r\n\0":
        section.problem(key, f'"{key}" is a line end', expected="a character that does not end a line")
        return default
    return mark


def _encoding(section: Section, default: str) -> str:
    name = section.text("encoding", required=False, default=default, blank=True)
    if not name:
        return ""
    try:
        known = codecs.lookup(name)._is_text_encoding
    except (LookupError, ValueError):
        known = False
    if not known:
        section.problem(
            "encoding", f'unknown encoding "{name}"', expected='a text encoding Python knows, or "" to find it out', do=nearest(name, _USUAL_ENCODINGS)
        )
        return default
    return name


def read_kinds(document: Section) -> dict[str, Kind]:
    """The `[kind.<name>]` tables; at least one, and no file pattern in two of them."""
    sections = document.named_sections("kind", KIND_KEYS, required=True)
    if "kind" in document.data and not document.data["kind"]:
        document.problem("kind", "a template without kinds", expected="at least one [kind.<name>]")
    owner: dict[str, str] = {}
    kinds: dict[str, Kind] = {}
    for name, section in sections.items():
        check_name(section, "", name, WORD)
        kinds[name] = _kind(name, section)
        for pattern in kinds[name].files:
            if pattern.lower() in owner:
                section.problem_at("files", pattern, f'pattern "{pattern}" also belongs to kind "{owner[pattern.lower()]}"', expected="a file of one kind only")
            owner.setdefault(pattern.lower(), name)
    return kinds


def _kind(name: str, section: Section) -> Kind:
    columns, optional, key = section.texts("columns", required=True), section.texts("optional"), section.texts("key")
    check_columns(section, "columns", columns)
    check_columns(section, "optional", optional)
    files = section.texts("files", required=True)
    for pattern in files:
        if "/" in pattern or "\\" in pattern:
            section.problem_at("files", pattern, f'pattern "{pattern}" names a folder', expected="a pattern of file names alone, such as patients*.csv")
    lowered = {column.lower() for column in columns}
    for column in optional:
        if column.lower() in lowered:
            section.problem_at("optional", column, f'column "{column}" stands in "columns" and in "optional"', do="remove one")
    for column in key:
        if column not in columns:
            section.problem_at("key", column, f'key column "{column}" is not among the columns of kind "{name}"', do=nearest(column, columns))
    if section.data.get("key") == []:
        section.problem("key", '"key" is empty', do='leave "key" out for records without a key')
    return Kind(
        name=name,
        place=section.place(),
        files=files,
        columns=columns,
        optional=optional,
        key=key,
        version=section.expression("version"),
        tombstone=section.expression("tombstone"),
        window=section.expression("window"),
    )
