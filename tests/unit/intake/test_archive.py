"""What is in an object, by content; hostile archives are refused with a code and a reason that shows no content."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from suwen.intake import archive
from suwen.intake.archive import ArchiveRefused, open_member, parts

SECRET = "Zhang San 110101199001011234"


def put(folder: Path, data: bytes) -> Path:
    path = folder / "object"
    path.write_bytes(data)
    return path


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", how) as made:
        for name, data in members:
            made.writestr(name, data)
    return stream.getvalue()


def contents(path: Path, name: str = "sent.csv", limit: int = archive.TOTAL_BYTES) -> dict[str, bytes]:
    found = {}
    for part in parts(path, name):
        with open_member(path, part, limit) as stream:
            found[part.name] = stream.read()
    return found


def refused(path: Path, code: str, limit: int = archive.TOTAL_BYTES) -> ArchiveRefused:
    with pytest.raises(ArchiveRefused) as error:
        contents(path, limit=limit)
    assert error.value.refusal.code == code
    assert error.value.code == code
    assert SECRET not in str(error.value)
    return error.value


def test_the_form_is_judged_by_content_not_by_name(tmp_path: Path) -> None:
    assert contents(put(tmp_path, b"a,b\n"), "x.zip") == {"x.zip": b"a,b\n"}
    assert contents(put(tmp_path, gzip.compress(b"a,b\n")), "x.CSV.GZ") == {"x.CSV": b"a,b\n"}
    assert contents(put(tmp_path, gzip.compress(b"a") + gzip.compress(b"b")), "x.csv") == {"x.csv": b"ab"}
    assert contents(put(tmp_path, zipped(("b.csv", b"1"), ("folder/a.csv", b"2"))), "x.csv") == {"b.csv": b"1", "folder/a.csv": b"2"}
    assert contents(put(tmp_path, b""), "empty.csv") == {"empty.csv": b""}
    assert contents(put(tmp_path, zipped()), "x.zip") == {}


def test_positions_and_order_are_those_of_the_archive(tmp_path: Path) -> None:
    path = put(tmp_path, zipped(("z.csv", b"1"), ("empty/", b""), ("a.csv", b"2")))
    assert [(part.position, part.name) for part in parts(path, "x")] == [(1, "z.csv"), (3, "a.csv")]


def test_names_of_old_chinese_tools_are_read(tmp_path: Path) -> None:
    data = zipped(("??.csv", b"1")).replace(b"??", "住院"[:1].encode("gb18030"))
    assert list(contents(put(tmp_path, data))) == ["住.csv"]
    assert list(contents(put(tmp_path, zipped(("诊断.csv", b"1"))))) == ["诊断.csv"]


@pytest.mark.parametrize("name", ["../a.csv", "a/../../b.csv", "/etc/passwd", "C:a.csv", "..\\a.csv", "a\x1b[31m.csv", "..", "\\\\host\\a.csv"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    refused(put(tmp_path, zipped((name, SECRET.encode()))), archive.UNSAFE_NAME)


@pytest.mark.parametrize("inner", [zipped(("a", b"1")), gzip.compress(b"1"), zipped()], ids=["zip", "gzip", "empty zip"])
def test_archives_in_archives_are_refused(tmp_path: Path, inner: bytes) -> None:
    refused(put(tmp_path, zipped(("a.csv", inner))), archive.NESTED)
    refused(put(tmp_path, gzip.compress(inner)), archive.NESTED)
    # A first stream of one byte does not hide what the streams make together.
    refused(put(tmp_path, gzip.compress(inner[:1]) + gzip.compress(inner[1:])), archive.NESTED)


@pytest.mark.parametrize("magic", list(archive._OTHER), ids=list(archive._OTHER.values()))
def test_other_packings_are_named_not_read_as_text(tmp_path: Path, magic: bytes) -> None:
    refused(put(tmp_path, magic + b"rest"), archive.UNKNOWN)
    refused(put(tmp_path, zipped(("a.csv", magic + b"rest"))), archive.UNKNOWN)


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_methods_inside_a_zip_are_refused(tmp_path: Path, how: int) -> None:
    refused(put(tmp_path, zipped(("a.csv", b"1" * 1000), how=how)), archive.UNKNOWN)


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.csv", SECRET.encode()), how=zipfile.ZIP_STORED))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + place] |= 1
    refused(put(tmp_path, bytes(data)), archive.ENCRYPTED)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    entry = zipfile.ZipInfo("a.csv")
    entry.external_attr = (kind | 0o777) << 16
    refused(put(tmp_path, zipped((entry, b"/etc/passwd"))), archive.UNSAFE_NAME)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    refused(put(tmp_path, zipped(("a.csv", b"1"), ("a.csv", b"2"))), archive.TWICE)
    refused(put(tmp_path, zipped(("x/a.csv", b"1"), ("x//a.csv", b"2"))), archive.TWICE)


def test_bombs_are_refused(tmp_path: Path) -> None:
    zeros = bytes(archive.FREE_BYTES + (8 << 20))
    refused(put(tmp_path, gzip.compress(zeros, 1)), archive.BOMB)
    refused(put(tmp_path, zipped(("a.csv", zeros))), archive.BOMB)
    small = put(tmp_path, gzip.compress(bytes(1 << 20)))
    assert len(contents(small)["sent.csv"]) == 1 << 20
    refused(small, archive.BOMB, limit=1 << 19)


def test_a_bomb_whose_directory_lies_is_refused_while_it_is_read(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.csv", b"x,y\n" * 100_000)))
    directory = data.find(b"PK\x01\x02")
    struct.pack_into("<I", data, directory + 24, 10)
    refused(put(tmp_path, bytes(data)), archive.DAMAGED)


def test_overlapping_members_and_huge_directories_are_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.csv", b"1" * 100), ("b.csv", b"2" * 100), how=zipfile.ZIP_STORED))
    for found in (data.find(b"PK\x01\x02"), data.rfind(b"PK\x01\x02")):
        struct.pack_into("<II", data, found + 20, 400, 400)
    refused(put(tmp_path, bytes(data)), archive.BOMB)
    data = bytearray(zipped(("a.csv", b"1")))
    struct.pack_into("<I", data, data.rfind(b"PK\x05\x06") + 12, archive.DIRECTORY_BYTES + 1)
    refused(put(tmp_path, bytes(data)), archive.BOMB)
    refused(put(tmp_path, zipped(*((f"{n}", b"") for n in range(archive.MEMBERS + 1)))), archive.BOMB)


def test_every_cut_of_an_archive_is_refused_or_harmless(tmp_path: Path) -> None:
    """Cut anywhere, an archive gives either all its bytes or a refusal: never some of them."""
    text = SECRET.encode() * 10
    for whole in (gzip.compress(text), zipped(("sent.csv", text))):
        for length in range(4, len(whole)):
            with pytest.raises(ArchiveRefused) as error:
                contents(put(tmp_path, whole[:length]))
            assert error.value.refusal.code in (archive.DAMAGED, archive.BOMB)


def test_every_changed_byte_is_refused_or_harmless(tmp_path: Path) -> None:
    text = SECRET.encode() * 10
    for whole in (gzip.compress(text, mtime=0), zipped(("sent.csv", text))):
        for at in range(4, len(whole)):
            try:
                found = contents(put(tmp_path, whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]))
            except ArchiveRefused as error:
                assert error.refusal.code.startswith("RDR-01")
            else:
                assert set(found.values()) <= {text}
