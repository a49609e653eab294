"""What is inside an object: itself, the content of a gzip file, or the files of a zip archive; hostile archives are refused.

The form is judged by content, never by name. A refusal names the position of a member, not its content, and is data (`Refusal`): the raw
bytes stay landed and the receipt is a rejected object. What only reading can show (size, checksum, truncation, nesting) is watched by
the stream of `open_member`, which raises `ArchiveRefused`.
"""

from __future__ import annotations

import errno
import gzip
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from suwen.base.errors import SuwenError

MAGIC_BYTES = 8
RATIO, FREE_BYTES, TOTAL_BYTES = 200, 100 << 20, 1 << 40
MEMBERS, DIRECTORY_BYTES = 10_000, 16 << 20

UNSAFE_NAME, NESTED, ENCRYPTED, BOMB, DAMAGED, TWICE, UNKNOWN = "RDR-010", "RDR-011", "RDR-012", "RDR-013", "RDR-014", "RDR-015", "RDR-016"

_GZIP, _ZIP = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OTHER = {b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "rar", b"\xfd7zXZ\x00": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x9d": "compress"}


@dataclass(frozen=True)
class Refusal:
    """Why an object is not read: a finding code and a reason without any content."""

    code: str
    reason: str


class ArchiveRefused(SuwenError):
    """An object that must not be read; `refusal` is the same as data."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason, code=code, do="ask the sender for a plain, gzip or zip file")
        self.refusal = Refusal(code, reason)


@dataclass(frozen=True)
class Part:
    """A member of an object: its 1-based position, its name (path inside a zip archive), how it is packed, packed bytes, entry in the archive."""

    position: int
    name: str
    codec: str
    packed: int
    entry: int = 0


def codec_of(head: bytes) -> str:
    """How bytes that begin with `head` are packed: '', 'gzip' or 'zip'."""
    return "gzip" if head.startswith(_GZIP) else "zip" if head.startswith(_ZIP) else ""


def parts(path: Path, name: str) -> tuple[Part, ...]:
    """The members of the object at `path`, sent as `name`, in archive order. Raises ArchiveRefused."""
    with path.open("rb") as stream:
        head = stream.read(MAGIC_BYTES)
    codec, size = codec_of(head), path.stat().st_size
    if codec == "zip":
        return tuple(_zip_parts(path, size))
    _refuse_other(head, 1)
    if codec == "gzip":
        return (Part(1, name[:-3] if name.lower().endswith(".gz") and len(name) > 3 else name, "gzip", size),)
    return (Part(1, name, "", size),)


def open_member(path: Path, part: Part, total_limit: int = TOTAL_BYTES) -> BinaryIO:
    """The member's bytes, unpacked and watched; `total_limit` bounds them. Raises ArchiveRefused here or on read."""
    if part.codec == "":
        return path.open("rb")
    with ExitStack() as opened, _damage(part.position):
        if part.codec == "gzip":
            inner = cast(BinaryIO, opened.enter_context(gzip.GzipFile(path)))
        else:
            archive = opened.enter_context(zipfile.ZipFile(path))
            inner = cast(BinaryIO, opened.enter_context(archive.open(archive.infolist()[part.entry])))
        return cast(BinaryIO, io.BufferedReader(_Watched(inner, part, total_limit, opened.pop_all()), 1 << 20))


@contextmanager
def _damage(position: int) -> Iterator[None]:
    """Turn what the unpackers raise into a refusal of the member at this position (0: the archive)."""
    try:
        yield
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, RuntimeError, struct.error, ValueError, OverflowError, OSError) as error:
        # A false offset makes the unpacker seek where no file can: EINVAL. Any other error of the system is the disk's, not the sender's.
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile) and error.errno != errno.EINVAL:
            raise
        raise ArchiveRefused(DAMAGED, f"{f'member {position}' if position else 'the archive'} is damaged or cut off") from None


class _Watched(io.RawIOBase):
    """Bytes being unpacked, refused when they grow too much, are damaged or are themselves an archive."""

    def __init__(self, inner: BinaryIO, part: Part, total_limit: int, opened: ExitStack) -> None:
        self._inner, self._part, self._limit, self._opened = inner, part, total_limit, opened
        self._done, self._head = 0, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with _damage(self._part.position):
            data = self._inner.read(len(buffer))
        if len(self._head) < MAGIC_BYTES:
            self._head += data[: MAGIC_BYTES - len(self._head)]
            _refuse_nested(self._head, self._part.position)
        self._done += len(data)
        _refuse_bomb(self._done, self._part.packed, self._limit, self._part.position)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._opened.close()
        super().close()


def _refuse_bomb(unpacked: int, packed: int, limit: int, position: int) -> None:
    if unpacked > limit or (unpacked > FREE_BYTES and unpacked > RATIO * max(packed, 1)):
        raise ArchiveRefused(BOMB, f"member {position} unpacks to far more than its size allows")


def _refuse_nested(head: bytes, position: int) -> None:
    if codec_of(head):
        raise ArchiveRefused(NESTED, f"member {position} is itself an archive")
    _refuse_other(head, position)


def _refuse_other(head: bytes, position: int) -> None:
    for magic, name in _OTHER.items():
        if head.startswith(magic):
            raise ArchiveRefused(UNKNOWN, f"member {position} is packed as {name}, which is not read")


def _zip_parts(path: Path, size: int) -> Iterator[Part]:
    if _directory_bytes(path, size) > DIRECTORY_BYTES:
        raise ArchiveRefused(BOMB, "the archive's directory is too large")
    with _damage(0), zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if len(entries) > MEMBERS:
        raise ArchiveRefused(BOMB, f"the archive has more than {MEMBERS} members")
    if sum(entry.compress_size for entry in entries) > size:
        raise ArchiveRefused(BOMB, "the archive's members overlap")
    seen: set[str] = set()
    position = 0
    for i, entry in enumerate(entries):
        name = _zip_name(entry)
        _check_entry(entry, name, i + 1, seen)
        if not entry.is_dir():
            position += 1
            yield Part(i + 1, name, "zip", entry.compress_size, i)


def _directory_bytes(path: Path, size: int) -> int:
    """What the archive's end says of its directory's size, before the directory is read into memory (APPNOTE.TXT 6.3.10, 4.3.14 to 4.3.16)."""
    with path.open("rb") as stream:
        stream.seek(max(0, size - 22 - 20 - 56 - 0xFFFF))
        tail = stream.read()
    end, wide = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    if end < 0 or len(tail) < end + 22:
        raise ArchiveRefused(DAMAGED, "the archive is damaged or cut off")
    said = int.from_bytes(tail[end + 12 : end + 16], "little")
    return said if said != 0xFFFFFFFF else int.from_bytes(tail[wide + 40 : wide + 48], "little") if wide >= 0 else size


def _check_entry(entry: zipfile.ZipInfo, name: str, position: int, seen: set[str]) -> None:
    path = PurePosixPath(name)
    if not name.isprintable() or path.is_absolute() or ".." in path.parts or name[1:2] == ":" or not path.parts:
        raise ArchiveRefused(UNSAFE_NAME, f"the name of member {position} leads out of the archive or cannot be printed")
    if str(path) in seen:
        raise ArchiveRefused(TWICE, f"member {position} has the name of another member")
    seen.add(str(path))
    if entry.flag_bits & 0x1:
        raise ArchiveRefused(ENCRYPTED, f"member {position} is encrypted")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveRefused(UNSAFE_NAME, f"member {position} is a link or a device")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArchiveRefused(UNKNOWN, f"member {position} is packed in a way that is not read")
    _refuse_bomb(entry.file_size, entry.compress_size, TOTAL_BYTES, position)


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """The member's name: UTF-8 when marked; else as tools of the country write it, UTF-8 or GB18030.

    Two bytes of GB18030 can look like one letter of UTF-8, so unmarked UTF-8 is believed only when it holds a character of three bytes or more.
    """
    name = entry.orig_filename
    if not entry.flag_bits & 0x800:
        raw = name.encode("cp437")
        names = [found for encoding in ("utf-8", "gb18030") if (found := _decoded(raw, encoding))]
        name = next((found for found in names if max(found) > "\u07ff"), next(reversed(names), name))
    return name.replace("\\", "/")


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return ""
