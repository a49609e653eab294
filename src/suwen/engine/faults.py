"""What DuckDB, Arrow and delta-rs raise, as our two families of errors.

Their own texts may repeat values of records, so none is passed on: what is told comes from the error's class, from the file paths that we
gave ourselves, and from the system's words for a full or read-only disk.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from suwen.base.errors import Defect, SuwenError
from suwen.engine.store.faults import store_fault

_PARQUET = re.compile(r"'((?:[^']|'')+\.parquet)'")
_LITERAL = re.compile(r"\[([*?\[])\]")  # a mark of patterns that stands for itself
_ADVICE = {
    errno.ENOSPC: "free some space there and run again",
    errno.EDQUOT: "raise the quota or free some space there, and run again",
    errno.EROFS: "make the file system writable and run again",
    errno.EACCES: "give this user the right to read and write there",
    errno.EPERM: "give this user the right to read and write there",
    errno.EIO: "check the disk: it reports errors of reading or writing",
    errno.EMFILE: "raise the limit on open files",
    errno.EFBIG: "raise the limit on file size",
}
_ABOUT_OUR_TEXT = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.SyntaxException)
MEND = "if it lies in staging, pools or index, remove it and run again; else restore it from a backup"


def paths_in(sql: str) -> list[str]:
    """The Parquet files that a statement of ours names."""
    return [_LITERAL.sub(r"\1", path.replace("''", "'")) for path in _PARQUET.findall(sql)]


@contextmanager
def engine_errors(sql: str, *, target: Path | None = None, memory: str = "", scratch: Path | None = None) -> Iterator[None]:
    """Turn what the engine raises on a statement (which writes `target`) into SuwenError where the machine or a file is at fault, else Defect."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise _memory(str(error), memory, scratch) from None
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except RuntimeError as error:  # so DuckDB passes on Ctrl+C in a statement
        if type(error) is RuntimeError and "interrupted" in str(error).lower():
            raise KeyboardInterrupt from None
        raise
    except _ABOUT_OUR_TEXT as error:
        raise Defect(f"the engine refused a statement: {type(error).__name__}") from error
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        said = str(error)
        if isinstance(error, OSError) and said.startswith("Out of Memory"):  # what Arrow makes of it in the middle of a stream
            raise _memory(said, memory, scratch) from None
        read = paths_in(sql) if not isinstance(error, duckdb.DataError) else []  # a value that does not convert is no damage
        raise system_fault(said, target) or damaged(read, said) or Defect(f"the engine failed on a statement: {type(error).__name__}") from None


@contextmanager
def file_errors(paths: Sequence[str]) -> Iterator[None]:
    """Turn what Arrow raises while it reads Parquet files into SuwenError about the file."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise damaged(paths, str(error)) or system_fault(str(error), None) or Defect(f"a file could not be read: {type(error).__name__}") from None


@contextmanager
def table_errors(folder: Path, where: str = "") -> Iterator[None]:
    """Turn what delta-rs raises about the table in `folder` into SuwenError; `where`: its address, where that is another."""
    try:
        yield
    except (DeltaError, OSError) as error:
        said = str(error)
        raise store_fault(said, where) or system_fault(said, folder) or broken_table(folder, "its log cannot be read", where) from None


def broken_table(folder: Path, what: str, where: str = "") -> SuwenError:
    """A table that is not as runs left it: what a run derived can be made again, so the way out never costs data."""
    return SuwenError(
        f"table {folder.name} is damaged: {what}",
        where=where or str(folder),
        expected="the table as a run left it",
        do="restore the lake from a backup, or move cdr, ext, state and releases out of it and run again: all is made anew from landing",
    )


def system_fault(said: str, where: Path | None) -> SuwenError | None:
    """The error of the operating system that a text ends in, if it names one of those that a user can mend."""
    for code, advice in _ADVICE.items():
        reason = os.strerror(code)
        if reason in said:
            return SuwenError(f"writing failed: {reason.lower()}" if where else f"the engine failed: {reason.lower()}", where=str(where or ""), do=advice)
    return None


def damaged(paths: Sequence[str], said: str = "", *, whole: bool = True) -> SuwenError | None:
    """The first of the files that is missing, named in the engine's text as unreadable, or (`whole`) cannot be read to its end."""
    each = list(dict.fromkeys(paths))
    judges: list[Callable[[str], str]] = [_fault, lambda path: "is damaged" if path in said else "", lambda path: _fault(path, whole=True)]
    for judge in judges if whole else judges[:2]:
        for path in each:
            if reason := judge(path):
                return SuwenError(f"a file of the lake {reason}", where=path, expected="the Parquet file as a run wrote it", do=MEND)
    return None


def _fault(path: str, *, whole: bool = False) -> str:
    if "://" in path:  # read by ranges from a bucket, which tells for itself
        return ""
    try:
        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches() if whole else ():
                pass
    except FileNotFoundError:
        return "is missing"
    except PermissionError:
        return "may not be read"
    except (OSError, pa.ArrowException):
        return "is damaged"
    return ""


def is_whole(path: Path) -> bool:
    """Whether a file ends as a Parquet file does: one that was cut short, or never written out, does not."""
    with suppress(OSError), path.open("rb") as stream:
        return stream.seek(0, os.SEEK_END) > 12 and stream.seek(-4, os.SEEK_END) > 0 and stream.read() == b"PAR1"
    return False


def _memory(said: str, memory: str, scratch: Path | None) -> SuwenError:
    if "offload" in said and "no temporary directory" not in said:
        what, expected = "there is no room to put aside what does not fit into memory", "free space there"
        return SuwenError(what, where=str(scratch or ""), expected=expected, do="free some space, or raise memory in region.toml")
    expected = f"more than {memory}" if memory else ""
    return SuwenError("the engine needs more memory than the region allows", where="region.toml", expected=expected, do="raise memory in region.toml")
