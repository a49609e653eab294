"""How often each kind of defect is to be: a TOML file with rates, checked when it is read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from suwen.base.errors import Place, SuwenError
from suwen.simulate.defects.catalogue import DELIVERY, FILE, Kind, kinds, sites

WHOLE = 1_000_000_000  # a rate of one
LARGEST = 1024 * 1024  # bytes of a profile
TABLES = ("rates", "daily")
MOST = {"record-too-long": 0.0001}  # each is a mebibyte: with more, an export is nothing else
ONLY_DAILY = ("delivery-late", "window-late")  # where all is sent at once nothing is younger, and nothing has a window
_HEADING, _KEY, _AT = re.compile(r"\s*\[+\s*([\w-]+)\s*\]"), re.compile(r"""\s*["']?([\w-]+)["']?\s*="""), re.compile(r"\(at line (\d+)")


@dataclass(frozen=True)
class Profile:
    """Rates in billionths by kind: of the records, files or deliveries that can have it, in the order of the kinds."""

    rates: Mapping[str, int] = field(default_factory=dict)

    def of(self, kind: Kind) -> int:
        """The rate of a kind, 0 where it has none."""
        return self.rates.get(kind.name, 0)


def read_profile(path: Path, *, daily: bool) -> Profile:
    """A profile from a file. Raises SuwenError with file and line where a kind is unknown, a rate is no part of one, or rates cannot be together."""
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
        text = content.decode("utf-8-sig") if len(content) <= LARGEST else ""
    except OSError as error:
        raise SuwenError(f"the profile cannot be read: {error.strerror}", where=Place(str(path)), expected="a TOML file with rates of defects") from None
    except UnicodeDecodeError:
        raise SuwenError("the profile is not UTF-8", where=Place(str(path)), expected="a TOML file in UTF-8") from None
    if len(content) > LARGEST:
        raise SuwenError("the profile is larger than 1 MB", where=Place(str(path)), expected="a TOML file with rates of defects")
    return profile_of(text, str(path), daily=daily)


def default_profile(*, daily: bool) -> Profile:
    """The profile of the package."""
    name = "default.toml"
    return profile_of((files("suwen.simulate.defects") / name).read_text(encoding="utf-8"), name, daily=daily)


def profile_of(text: str, name: str, *, daily: bool) -> Profile:
    """A profile from the text of a file. `daily`: the region is sent day by day, so that the table `daily` counts too."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        raise SuwenError(
            f"the profile is not TOML: {str(error).partition(' (at ')[0]}",
            where=Place(name, int(at.group(1)) if at else 0),
            expected="a table [rates] with lines kind = rate",
        ) from None
    except (RecursionError, ValueError):  # of deep nesting, and of a number of thousands of digits
        raise SuwenError("the profile is nested too deeply or has too long a number", where=Place(name), expected="lines kind = rate") from None
    lines = {(table, key): line for table, key, line in _lines(text)}
    rates: dict[str, int] = {}
    always = found.get(TABLES[0])
    for table, held in found.items():
        if table not in TABLES or not isinstance(held, dict):
            where = Place(name, lines.get((table, ""), lines.get(("", table), 0)))
            known = f"{table!r} is no table" if table in TABLES else f"{table!r} is nothing that a profile has"
            raise SuwenError(known, where=where, expected="tables [rates] and [daily], each with lines kind = rate")
        for key, rate in held.items():
            where = Place(name, lines.get((table, key), lines.get((table, ""), 0)))
            kind = _known(key, where)
            if table != TABLES[0] and isinstance(always, dict) and key in always:
                raise SuwenError(f"{key} has two rates", where=where, expected="each kind in [rates] or in [daily]")
            if kind.name in ONLY_DAILY and table == TABLES[0] and not daily and rate:
                raise SuwenError(
                    f"{key} needs deliveries day by day, and here everything is sent at once",
                    where=where,
                    expected="a region sent day by day",
                    do="add --daily, or move it to [daily]",
                )
            if table == TABLES[0] or daily:
                rates[key] = _rate(key, rate, where)
            else:
                _rate(key, rate, where)
    profile = Profile({name: rates[name] for name in kinds() if rates.get(name)})
    _together(profile, name, {key: line for (_, key), line in lines.items()})
    return profile


def _lines(text: str) -> Iterator[tuple[str, str, int]]:
    """(table, key, line) of every key, and (table, "", line) of every heading."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if heading := _HEADING.match(line):
            table = heading.group(1)
            yield table, "", number
        elif key := _KEY.match(line):
            yield table, key.group(1), number


def _known(key: str, where: Place) -> Kind:
    if key not in kinds():
        near = get_close_matches(key, kinds(), 1)
        raise SuwenError(
            f"unknown kind of defect {key!r}", where=where, expected="a kind of docs/guide/defects.md", do=f"did you mean {near[0]!r}?" if near else ""
        )
    return kinds()[key]


def _rate(key: str, rate: object, where: Place) -> int:
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise SuwenError(f"{key} = {rate!r} is no rate", where=where, expected="a number from 0 to 1: the part of the records that can have the defect")
    billionths = round(rate * WHOLE)
    if rate and not billionths:
        raise SuwenError(f"{key} = {rate} is too small a rate", where=where, expected="0, or at least one billionth: 1e-9")
    if rate > MOST.get(key, 1):
        raise SuwenError(f"{key} = {rate} is too large a rate", where=where, expected=f"at most {MOST[key]}, since each such record is a mebibyte")
    return billionths


def _together(profile: Profile, name: str, lines: Mapping[str, int]) -> None:
    """A record, file or delivery has at most one defect, so the rates of those that it can have are together at most one."""
    of_records = {f"{file} of {system}": [site.kind.name for site in held] for (system, file), held in sites().items()}
    whole = {f"a {role}": [kind.name for kind in kinds().values() if kind.role == role] for role in (FILE, DELIVERY)}
    for what, held in {**of_records, **whole}.items():
        rated = [kind for kind in held if profile.rates.get(kind)]
        if sum(profile.rates[kind] for kind in rated) > WHOLE:
            last = max(rated, key=lambda kind: lines.get(kind, 0))
            raise SuwenError(
                f"the rates of the {len(rated)} kinds that {what} can have are together more than 1",
                where=Place(name, lines.get(last, 0)),
                expected="at most one defect each, so rates whose sum is at most 1",
            )
