"""Reading a file of a pack: UTF-8 text of bounded size, or an error that names the file and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from suwen.base.errors import Place, SuwenError

LARGEST = 5 * 1024 * 1024
BOM = b"\xef\xbb\xbf"


def read_bytes(path: Path, shown: str) -> bytes:
    """The bytes of a regular file of at most 5 MB; `shown` is the name used in errors."""
    try:
        if path.is_dir():
            raise SuwenError("a folder stands where a file is expected", where=Place(shown), do="move the folder or give the file another name")
        if not path.is_file():
            raise SuwenError("no such file" if not path.exists() else "not a regular file", where=Place(shown), expected="a readable text file")
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise SuwenError(f"the file cannot be read: {error.strerror}", where=Place(shown), do="check the file and its permissions") from error
    if len(content) > LARGEST:
        raise SuwenError("the file is larger than 5 MB", where=Place(shown), expected="a declaration of at most 5 MB", do="split it into several files")
    return content


def decode(content: bytes, shown: str, *, bom_allowed: bool = False) -> str:
    """The text of UTF-8 bytes with "\\n" line ends; refuses NUL, other encodings and, unless allowed, a byte order mark."""
    if content.startswith(BOM):
        if not bom_allowed:
            raise SuwenError(
                "the file begins with a byte order mark", where=Place(shown, 1), expected="UTF-8 without a byte order mark", do="save it as UTF-8 without BOM"
            )
        content = content[len(BOM) :]
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise SuwenError("the file holds a NUL byte", where=Place(shown, line), expected="text in UTF-8", do="save it as UTF-8 text")
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SuwenError("the file is not valid UTF-8", where=Place(shown, line), expected="text in UTF-8", do="save it as UTF-8") from None
