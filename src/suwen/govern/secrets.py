"""What must stay secret in a region's folder: secrets.toml, made once, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.flow.region import explained
from suwen.flow.region_files import SECRETS_FILE

_TEXT = """\
# Secrets of this region: keep this file to yourself, and a copy of it with the copies of the region.
# signing_key signs sessions; whoever has it can be anyone. audit_key seals the audit; without it the chain cannot be verified.

signing_key = "{signing}"
audit_key = "{audit}"
# database_password = ""   # of the control database, where region.toml names one on a server
"""


@dataclass(frozen=True, repr=False)
class Secrets:
    """The secrets of a region."""

    signing_key: str
    audit_key: str
    database_password: str = ""


def region_secrets(folder: Path) -> Secrets:
    """The secrets of the region in a folder, made at the first time. Raises SuwenError where others may read them or something is missing."""
    path = folder / SECRETS_FILE
    with explained(path):
        if not path.exists():
            _make(path)
        check_private(path)
        text = path.read_text("utf-8")
    try:
        held = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise _unfit(path, "the file is not TOML") from None
    missing = [name for name in ("signing_key", "audit_key") if not isinstance(held.get(name), str) or len(held[name]) < 50]
    if missing:
        raise _unfit(path, f"{missing[0]} is missing or shorter than 50 characters")
    return Secrets(held["signing_key"], held["audit_key"], str(held.get("database_password", "")))


def _unfit(path: Path, what: str) -> SuwenError:
    return SuwenError(what, where=str(path), expected="the file as Suwen made it", do="restore it from a copy")


def _make(path: Path) -> None:
    text = _TEXT.format(signing=secrets.token_urlsafe(60), audit=secrets.token_urlsafe(60))
    handle, aside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # of mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileExistsError):  # another process was first: its secrets hold
            os.link(aside, path)
    finally:
        os.unlink(aside)


def check_private(path: Path) -> None:
    """Raises SuwenError where a file can be read or written by others than its owner, or belongs to somebody else."""
    held = path.stat()
    mode = stat.S_IMODE(held.st_mode)
    if mode & 0o077:
        raise SuwenError(f"others may read this file (mode {mode:04o})", where=str(path), expected="mode 0600", do=f"chmod 600 {path}")
    if held.st_uid not in (os.geteuid(), 0):
        raise SuwenError("this file belongs to another user", where=str(path), expected="the user who runs Suwen", do="chown it")
