"""A code map: a TOML header (name, title, owner, source) and a CSV of the same stem with the codes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.model.pack import CodeMap, CodeMapEntry
from suwen.model.vocabulary import VOCABULARIES
from suwen.packs.names import DASHED, check_name
from suwen.packs.problem import Problems, nearest
from suwen.packs.section import Section
from suwen.packs.source_file import decode, read_bytes
from suwen.packs.table_file import Row, read_rows
from suwen.packs.toml_places import Document

CODE_MAP_KEYS = ("name", "title", "owner", "source", "columns")
ENTRY_COLUMNS = ("source_code", "source_name", "concept_id", "vocabulary", "code")
LARGEST_CONCEPT_ID = 2**31 - 1


def code_map_content(document: Document, table: bytes) -> bytes:
    """What the sha256 of a code map is taken over: both files, parted by a byte that neither holds."""
    return document.content + b"\0" + table


def read_code_map(document: Document, folder: Path, problems: Problems) -> tuple[CodeMap, bytes]:
    """The code map of a TOML header and the CSV beside it, and the bytes its hash is over."""
    top = Section(document, (), document.data, problems, CODE_MAP_KEYS)
    system = top.text("name")
    check_name(top, "name", system, DASHED)
    if system.lower() in {known.lower() for known in VOCABULARIES}:
        top.problem("name", f'"{system}" is the name of a standard vocabulary', expected="a name of its own for a code map")
    shown = document.file.removesuffix(".toml") + ".csv"
    table, entries = b"", tuple[CodeMapEntry, ...]()
    try:
        table = read_bytes(folder / Path(shown).name, shown)
        entries = _entries(read_rows(decode(table, shown, bom_allowed=True), shown, _columns(top), problems), problems)
    except SuwenError as error:
        problems.add_error(error, shown)
    content = code_map_content(document, table)
    sha256 = hashlib.sha256(content).hexdigest()
    return CodeMap(system, top.place("name"), top.titles(), top.text("owner"), top.source(), entries, sha256), content


def _columns(top: Section) -> dict[str, str]:
    """Our column names -> the names in the CSV, where `[columns]` says they differ."""
    renamed = top.section("columns", ENTRY_COLUMNS)
    return {name: renamed.text(name, required=False, default=name) if renamed else name for name in ENTRY_COLUMNS}


def _entries(rows: list[Row], problems: Problems) -> tuple[CodeMapEntry, ...]:
    seen: dict[str, int] = {}
    entries = []
    for row in rows:
        source_code, place = row.values["source_code"], row.place
        if not source_code:
            problems.add(place, "the source_code is blank", expected="a code of the source")
        elif source_code in seen:
            problems.add(place, f'source_code "{source_code}" stands twice, first in line {seen[source_code]}', do="remove one")
        seen.setdefault(source_code, place.line)
        concept_id = _concept_id(row, problems)
        entries.append(CodeMapEntry(source_code, row.values["source_name"], concept_id, row.values["vocabulary"], row.values["code"], place.line))
    return tuple(entries)


def _concept_id(row: Row, problems: Problems) -> int | None:
    """The concept id of a row; None where it names a vocabulary's code instead."""
    given, vocabulary, code = row.values["concept_id"], row.values["vocabulary"], row.values["code"]
    one_of_both = "either a concept_id, or a vocabulary with a code"
    if given and (vocabulary or code):
        problems.add(row.place, "the row has a concept_id and also a vocabulary or code", expected=one_of_both)
    elif not given and not vocabulary and not code:
        problems.add(
            row.place, "the row has neither a concept_id nor a code", expected=one_of_both, do="write concept_id 0 for a code that has no standard concept"
        )
    elif not given and not (vocabulary and code):
        problems.add(row.place, f"the row has a {'vocabulary without a code' if vocabulary else 'code without a vocabulary'}", expected=one_of_both)
    elif vocabulary and vocabulary not in VOCABULARIES:
        problems.add(row.place, f'unknown vocabulary "{vocabulary}"', expected="an OMOP vocabulary id", do=nearest(vocabulary, VOCABULARIES))
    return concept_number(row, given, problems) if given else None


def concept_number(row: Row, text: str, problems: Problems) -> int | None:
    """A concept id as a number, None and a problem where it is none."""
    if text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= LARGEST_CONCEPT_ID:
        return int(text)
    problems.add(row.place, "the concept_id is not a number of a concept", expected=f"a whole number from 0 to {LARGEST_CONCEPT_ID}")
    return None
