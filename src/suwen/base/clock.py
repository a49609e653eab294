"""The one place that reads the clock; what needs a time is given it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)
