"""Texts as they can be written."""

from __future__ import annotations


def is_utf8(text: str) -> bool:
    """Whether a text can be written; what the system gave as other bytes cannot."""
    return not any("\ud800" <= c <= "\udfff" for c in text)
