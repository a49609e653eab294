"""How commands end: 0, 2 for what the user can mend, 70 for a defect of ours, 130 when interrupted, 141 when nobody reads any more.

No message of an exception that is not ours is printed or kept: it may hold a value of a record. Its class and places in the code are.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from typer import Abort
from typer.exceptions import TyperException

from suwen.base.errors import Defect, SuwenError
from suwen.packs.problem import PackErrors

USER, DEFECT, INTERRUPTED, UNREAD = 2, 70, 130, 141


def ended(command: Callable[[], int], as_json: bool) -> int:
    """Run a command and give its exit code; what went wrong is told on standard error."""
    try:
        code = command()
        sys.stdout.flush()
        return code
    except SuwenError as error:
        _tell(error, as_json)
        return USER
    except TyperException as error:
        if error.format_message():
            _tell(SuwenError(error.format_message(), do="suwen --help, or suwen COMMAND --help"), as_json)
        return USER
    except (KeyboardInterrupt, Abort):
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except (Exception, SystemExit) as error:  # the last door: whatever it is, no traceback and no foreign message reaches the user
        return _foreign(error, as_json)


def _foreign(error: BaseException, as_json: bool) -> int:
    """How a command ends on an exception that is not ours; Typer makes a SystemExit of a pipe that nobody reads."""
    cause = error.__context__ if isinstance(error, SystemExit) else error
    if isinstance(cause, BrokenPipeError):
        _to_nowhere(sys.__stdout__)
        return UNREAD
    if isinstance(error, OSError) and (fault := _system(error)):
        _tell(fault, as_json)
        return USER
    if not isinstance(error, Exception):
        raise error
    return _defect(error, as_json)


def _to_nowhere(stream: TextIO | None) -> None:
    """What is still in a stream's buffer must not raise again when Python ends."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)


def _system(error: OSError) -> SuwenError | None:
    """What the system refused, in its own words for the error's number; None where neither a path nor a full output is told."""
    if isinstance(error.filename, str):
        return SuwenError(f"the system refused: {os.strerror(error.errno or 0).lower()}", where=error.filename, do="check the path, its rights and the disk")
    if error.errno == errno.ENOSPC:
        _to_nowhere(sys.__stdout__)
        return SuwenError("the output cannot be written: no space left on device", where="standard output", do="free some space there")
    return None


def _tell(error: SuwenError, as_json: bool) -> None:
    try:
        sys.stderr.write(json.dumps({"errors": _mistakes(error)}, ensure_ascii=False, indent=1) + "\n" if as_json else f"{error}\n")
        sys.stderr.flush()
    except OSError:  # nobody reads: the exit code tells it, which Python's own flush at the end must not change
        _to_nowhere(sys.__stderr__)


def _mistakes(error: SuwenError) -> list[dict[str, str]]:
    each: Sequence[tuple[str, object, str, str]] = [(error.what, error.where, error.expected, error.do)]
    if isinstance(error, PackErrors):
        each = [(p.what, p.place, p.expected, p.do) for p in error.problems]
    return [{"what": what, "where": str(where or ""), "expected": expected, "do": do, "code": error.code} for what, where, expected, do in each]


def _defect(error: Exception, as_json: bool) -> int:
    what = str(error) if isinstance(error, Defect) else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{_module(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"
    kept = _keep(error)
    message = SuwenError(f"a defect in Suwen: {what}", where=where, do=f"report it with the file {kept}, which holds no data" if kept else "report it")
    _tell(message, as_json)
    return DEFECT


def _keep(error: BaseException) -> str:
    """Write the classes and code places of an exception and its causes to a file; gives its path, "" where that fails."""
    lines: list[str] = []
    at: BaseException | None = error
    while at is not None:
        lines.append(f"{type(at).__module__}.{type(at).__qualname__}")
        lines += [f"  {_module(frame.filename)}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(at.__traceback__)]
        at = at.__cause__ or at.__context__
    try:
        handle, path = tempfile.mkstemp(prefix="suwen-defect-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
    except OSError:
        return ""
    return path


def _module(file: str) -> str:
    parts = Path(file).parts
    for root in ("suwen", "site-packages"):
        if root in parts:
            return "/".join(parts[len(parts) - 1 - parts[::-1].index(root) :])
    return Path(file).name
