"""The personal values of a simulated region: names, resident ids, telephones, addresses, from the hospitals' own files, the truth and the repository."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from suwen.flow.reader import open_release

# What the files of the first hospital call them.
_PERSONAL = ("姓名", "身份证号", "现住址", "联系电话")
_TELLING = 2  # characters: one alone tells nobody


def personal_values(folder: Path) -> frozenset[str]:
    """Every personal value of the region that `served.make` made in a folder."""
    found = {row for table in _exported(folder / "exports" / "H0001" / "his") for row in table}
    found |= set(pq.read_table(folder / "truth" / "links.parquet")["resident_id"].to_pylist())
    opened = open_release(folder / "region")
    found |= set(opened.table("ext.ext_person_identifier")["value"].to_pylist())
    found |= set(opened.table("cdr.location")["address_1"].to_pylist())
    found |= set(opened.table("cdr.provider")["provider_name"].to_pylist())
    return frozenset(value.strip() for value in found if value and len(value.strip()) >= _TELLING and not _is_common(value.strip()))


def _exported(folder: Path) -> list[list[str]]:
    """The personal columns of every file that has any."""
    found = []
    for file in sorted(folder.glob("*/*.csv")):
        rows = csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig", "replace")))
        found.append([str(row.get(name) or "") for row in rows for name in _PERSONAL])
    return found


def _is_common(value: str) -> bool:
    """Whether a value could stand anywhere without telling of a person: short digits, what a defect left of an address."""
    return bool(re.fullmatch(r"[0-9]{1,6}|[A-Za-z?]{1,3}", value)) or value.endswith("区")


def told(values: frozenset[str], body: bytes) -> set[str]:
    """Which of the values stand in an answer's bytes, as they are, in JSON's escapes, or in Arrow's columns."""
    texts = [body.decode("utf-8", "replace"), body.decode("gb18030", "replace")]
    if body[:4] == b"\xff\xff\xff\xff":
        table: pa.Table = pa.ipc.open_stream(io.BytesIO(body)).read_all()
        texts.append(repr(table.to_pylist()))
    if b"\\u" in body:
        texts.append(re.sub(r"\\u([0-9a-fA-F]{4})", lambda escaped: chr(int(escaped.group(1), 16)), texts[0]))
    whole: Any = "\n".join(texts)
    return {value for value in values if value in whole}
