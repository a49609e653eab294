"""The log of the server: which path, which class of error, where in the code; never a message or value of a request."""

from __future__ import annotations

import logging
import traceback

_LONGEST, _LONGEST_TOLD = 300, 2_000  # characters of a path, and of what is wrong with the region's own files


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
