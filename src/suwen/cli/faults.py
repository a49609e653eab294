"""How commands end: 0, 2 for what the user can mend, 70 for a defect of ours, 130 when interrupted, 141 when nobody reads any more.

No message of an exception that is not ours is printed or kept: it may hold a value of a record. Its class and places in the code are.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

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
    except BrokenPipeError:
        # nobody reads: what is still in the buffer must not raise again when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except Exception as error:  # the last door: whatever it is, no traceback and no foreign message reaches the user
        return _defect(error, as_json)


def _tell(error: SuwenError, as_json: bool) -> None:
    sys.stderr.write(json.dumps({"errors": _mistakes(error)}, ensure_ascii=False, indent=1) + "\n" if as_json else f"{error}\n")


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
