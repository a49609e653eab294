"""A backup: what it is of, and every file in it with its hash; as the text that is kept beside the files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from suwen.base.errors import SuwenError

FORM = 1  # of the manifest and of the folder around it
_SHA256 = frozenset("0123456789abcdef")


class Extent(StrEnum):
    """How much a backup holds: everything that is durable; or only what cannot be made again: landing, vocabularies, the region's own files."""

    WHOLE = "whole"
    LANDING = "landing"


@dataclass(frozen=True)
class Kept:
    """A file of a backup: its name from the region's folder on (`lake/...`, `landing/...` wherever those lie), bytes, sha256, and when it was last
    written to (nanoseconds)."""

    name: str
    bytes: int
    sha256: str
    stamp: int


@dataclass(frozen=True)
class Manifest:
    """One backup. `release`: the newest in it, 0 for none; `releases`: all; `published_at`: of the newest, ISO. `deliveries`: how many; `received_at`: of
    the last one, ISO, "" for none: what came later is not in the backup. `secrets`, `staging`: whether those are in it."""

    region: str
    extent: Extent
    taken_at: str
    suwen: str
    release: int
    releases: Sequence[int]
    published_at: str
    deliveries: int
    received_at: str
    secrets: bool
    staging: bool
    files: Sequence[Kept]

    @property
    def bytes(self) -> int:
        """The bytes of all files, each content counted as often as it is named."""
        return sum(file.bytes for file in self.files)

    def by_name(self) -> Mapping[str, Kept]:
        """The files by their names."""
        return {file.name: file for file in self.files}

    def to_lines(self) -> Iterable[str]:
        """The manifest as lines of JSON: what it is, a line for each file, and at the end how many there were."""
        head = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "files"}
        yield json.dumps({"backup": FORM, **head}, ensure_ascii=False)
        for file in self.files:
            yield json.dumps(list(asdict(file).values()), ensure_ascii=False)
        yield json.dumps({"files": len(self.files)})

    @classmethod
    def from_lines(cls, lines: Sequence[str]) -> Manifest:
        """The manifest of these lines. Raises SuwenError where they are not wholly one, or of a form that is not known."""
        try:
            head, *listed, end = (json.loads(line) for line in lines)
            form = head.pop("backup")
            if not isinstance(form, int) or form > FORM:
                raise SuwenError(f"the backup is of form {form}", expected=f"a form up to {FORM}", do="restore it with the Suwen that made it, or a later one")
            files = tuple(_kept(line) for line in listed)
            _demand(end == {"files": len(files)})
            return cls(**{**head, "extent": Extent(head["extent"]), "releases": tuple(head["releases"]), "files": files})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise SuwenError("the backup's list of files is damaged", expected="the list as suwen backup wrote it", do="restore another backup") from None


def _kept(line: Any) -> Kept:
    name, size, sha256, stamp = line
    _demand(isinstance(name, str) and "\0" not in name and all(part not in ("", ".", "..") for part in name.split("/")))  # stays below the folder restored into
    _demand(isinstance(size, int) and isinstance(stamp, int) and isinstance(sha256, str) and len(sha256) == 64 and set(sha256) <= _SHA256)
    return Kept(name, size, sha256, stamp)


def _demand(holds: bool) -> None:
    if not holds:
        raise ValueError
