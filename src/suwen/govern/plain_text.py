"""Texts that people gave to people and places, as one line that says no more than it shows."""

from __future__ import annotations

import unicodedata

_ACTING = ("Cc", "Cf", "Cs", "Zl", "Zp")  # what hides, acts or turns its neighbours around


def one_line(text: str) -> str:
    """A text without characters that cannot be seen: each is shown as the sign for what cannot be shown."""
    return "".join("\ufffd" if unicodedata.category(c) in _ACTING else c for c in text)
