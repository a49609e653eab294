"""Letters whose capital or small form Spark sees otherwise than the list means it: one letter for one letter, by Unicode 15, whatever stands beside it.

Spark writes some as several letters (SS for the sharp s), looks at a word's end for the Greek sigma and knows letters of Unicode 16 and 17.
Before its own function these are put aside as code points for private use, and afterwards the right letters in their places.
"""

from __future__ import annotations

from collections.abc import Iterable

_ASIDE = 0x10F000  # of the last private plane; a text that has these beside one of the letters below is nobody's text
_ALONE = [0x149, 0x1F0, 0x390, 0x3B0, 0x587, *range(0x1E96, 0x1E9B), *range(0x1F50, 0x1F57, 2), *range(0xFB00, 0xFB07), *range(0xFB13, 0xFB18),
          0x1FB2, 0x1FB4, 0x1FB6, 0x1FB7, 0x1FC2, 0x1FC4, 0x1FC6, 0x1FC7, 0x1FD2, 0x1FD3, 0x1FD6, 0x1FD7, *range(0x1FE2, 0x1FE5), 0x1FE6, 0x1FE7,
          0x1FF2, 0x1FF4, 0x1FF6, 0x1FF7]  # fmt: skip
_IOTA = [*range(0x1F80, 0x1F88), *range(0x1F90, 0x1F98), *range(0x1FA0, 0x1FA8)]  # with an iota below; their capitals are 8 further
_NEW_SMALL = [0x19B, 0x264, 0x1C8A, 0xA7CD, 0xA7CF, 0xA7D3, 0xA7D5, 0xA7DB, *range(0x10D70, 0x10D86), *range(0x16EBB, 0x16ED4)]
_NEW_CAPITAL = [0x1C89, 0xA7CB, 0xA7CC, 0xA7CE, 0xA7D2, 0xA7D4, 0xA7DA, 0xA7DC, *range(0x10D50, 0x10D66), *range(0x16EA0, 0x16EB9)]
_PAIRS = {0xDF: 0x1E9E, 0x1FB3: 0x1FBC, 0x1FC3: 0x1FCC, 0x1FF3: 0x1FFC} | {at: at + 8 for at in _IOTA}
_CAPITALS = _PAIRS | {at: at for at in (*_ALONE, *_NEW_SMALL, *_PAIRS.values())}
_SMALL = {0x130: 0x69, 0x3A3: 0x3C3} | {at: at for at in _NEW_CAPITAL}


def _text(points: Iterable[int]) -> str:
    return "".join(map(chr, points))


def _runs(points: Iterable[int]) -> str:
    """Code points as a class of a regular expression, runs of near neighbours as one range: it may hold more than it must."""
    runs: list[list[int]] = []
    for point in sorted(points):
        if runs and point - runs[-1][1] <= 16:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in runs)


def _exact(function: str, letters: dict[int, int]) -> str:
    """Spark's text for a function of one letter each."""
    aside = _text(range(_ASIDE, _ASIDE + len(letters)))
    kept = f"translate({function}(translate($1, '{_text(letters)}', '{aside}')), '{aside}', '{_text(letters.values())}')"
    return f"case when $1 rlike '[{_runs(letters)}]' then {kept} else {function}($1) end"


UPPER, LOWER = _exact("upper", _CAPITALS), _exact("lower", _SMALL)
