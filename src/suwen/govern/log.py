"""The log of the server: which path, which class of error, where in the code; never a message or value of a request."""

from __future__ import annotations

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_LONGEST, _LONGEST_TOLD = 300, 2_000  # characters of a path, and of what is wrong with the region's own files
REQUEST: ContextVar[str] = ContextVar("request", default="")  # the id of the request at hand


class Plain(logging.Formatter):
    """One line: time, level, the path without its query, and of an exception class and places in the code, never its message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        path = "".join(c if c.isprintable() else "\ufffd" for c in getattr(getattr(record, "request", None), "path", ""))[:_LONGEST]  # no line of its own
        lines = [f"{self.formatTime(record)} {record.levelname.lower()} {record.name} {getattr(record, 'status_code', '')} {path}".rstrip()]
        if told := getattr(record, "told", ""):
            lines.append("  " + "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in told)[:_LONGEST_TOLD].replace("\n", "\n  "))
        if record.exc_info and record.exc_info[0]:
            lines.append(f"  {record.exc_info[0].__name__}")
            lines += [f"  {frame.name} line {frame.lineno}" for frame in traceback.extract_tb(record.exc_info[2])[-6:]]
        return "\n".join(lines)


class Lines(logging.Formatter):
    """One line of JSON: time, level, who says it, the request's id, and what a record holds of ours; of an exception class and places in the code.

    A message is told only where it is a constant of ours: one with arguments may hold what was asked. No path: it names rows.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request": REQUEST.get() or None,
        }
        if record.name.startswith("suwen."):
            said["message"] = record.msg
        said |= getattr(record, "held", {})
        if status := getattr(record, "status_code", None):
            said["status"] = status
        if told := getattr(record, "told", ""):
            said["told"] = told[:_LONGEST_TOLD]
        if record.exc_info and record.exc_info[0]:
            said["exception"] = record.exc_info[0].__name__
            said["frames"] = [f"{frame.name} line {frame.lineno}" for frame in traceback.extract_tb(record.exc_info[2])[-6:]]
        return json.dumps({key: value for key, value in said.items() if value is not None}, ensure_ascii=False)
