"""What one pass over a delimited file finds: its dialect, columns, pieces, and where every 1,024th record starts."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from suwen.intake.formats.delimited.block import Int64s

STRIDE = 1024


@dataclass(frozen=True)
class Piece:
    """A run of whole records read on its own: first record (1-based, in the receipt's numbering), bytes in the member.

    `regular`: every record has the header's number of fields, valid quoting and encoding, no NUL, one kind of line end, no blank line.
    """

    first_record: int
    records: int
    byte_offset: int
    byte_length: int
    regular: bool


@dataclass(frozen=True)
class Location:
    """Where a record lies in its member: bytes (line end included) and 1-based physical line."""

    record: int
    byte_offset: int
    byte_length: int
    line: int


@dataclass(frozen=True, eq=False)
class Member:
    """A surveyed member: resolved dialect (`quote` "" is none), columns in file order, records counted without the header.

    Bytes 0 to `data_offset` are the byte order mark, skipped lines and header. Record numbers run from `first_record` (the receipt's numbering).
    Blank lines, of `gap_bytes` in all, belong to no record. `starts` and `lines`: byte offset and 1-based line of the member's records
    1, 1025, 2049 and so on. `newline` is "\\n", "\\r\\n", or "" when mixed. `codec` says how the member was packed.
    `simple`: the dialect is one DuckDB knows (one-byte delimiter). `multiline`: some record may go over several lines.
    """

    name: str
    position: int
    codec: str
    length: int
    encoding: str
    delimiter: str
    quote: str
    newline: str
    simple: bool
    columns: tuple[str, ...]
    first_record: int
    records: int
    data_offset: int
    gap_bytes: int
    multiline: bool
    pieces: tuple[Piece, ...]
    starts: Int64s
    lines: Int64s

    @property
    def direct(self) -> bool:
        """True when DuckDB's strict read_csv over the file as it lies gives the very same records and values.

        Not for records of several lines: DuckDB 2.0 cuts large files between threads and takes a line feed inside quotes for a record's end.
        """
        plain = self.codec == "" and self.encoding == "utf-8" and self.simple and self.newline != "" and not self.multiline
        return plain and len(self.columns) > 1 and all(piece.regular for piece in self.pieces)

    def numbered_from(self, first_record: int) -> Member:
        """The same member with its records numbered from `first_record`."""
        shift = first_record - self.first_record
        return replace(self, first_record=first_record, pieces=tuple(replace(one, first_record=one.first_record + shift) for one in self.pieces))

    def to_bytes(self) -> bytes:
        """An .npz archive; its checksums show damage."""
        plain: dict[str, Any] = {key: value for key, value in self.__dict__.items() if key not in ("starts", "lines", "pieces")}
        plain["pieces"] = [asdict(piece) for piece in self.pieces]
        stream = io.BytesIO()
        np.savez_compressed(stream, member=np.frombuffer(json.dumps(plain).encode(), np.uint8), starts=self.starts, lines=self.lines)
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Member:
        """The member written by `to_bytes`; raises ValueError, KeyError, TypeError or zipfile.BadZipFile when damaged."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            plain = json.loads(arrays["member"].tobytes())
            pieces = tuple(Piece(**one) for one in plain.pop("pieces"))
            return cls(**plain | {"columns": tuple(plain["columns"])}, pieces=pieces, starts=arrays["starts"], lines=arrays["lines"])
