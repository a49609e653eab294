"""Which conditions a rule of the knowledge speaks of: beginnings of ICD-10 codes and ranges of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def named(stems: str, code: str) -> bool:
    """True where `stems`, such as `J12-J18|U07`, names the code `J18.9`; an empty text names nothing."""
    for part in filter(None, stems.split("|")):
        first, _, last = part.partition("-")
        if first <= code[: len(first)] and code[: len(last or first)] <= (last or first):
            return True
    return False


def fitting(stems: str, codes: Sequence[str]) -> npt.NDArray[np.bool_]:
    """One truth a code."""
    return np.array([named(stems, code) for code in codes], dtype=np.bool_)
