"""Reading a region's own files: region.toml, organisations.csv, feeds/*.toml and collisions.csv; every mistake with its file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from suwen.base.errors import SuwenError
from suwen.flow.engine_settings import read_settings
from suwen.flow.region_places import check_apart, read_bucket, read_place
from suwen.model.receipt import Mode
from suwen.model.region import FIRST_DAY, Collision, Feed, Keep, Organisation, Region, Server
from suwen.packs.loader import PACK_FILE, shipped_packs
from suwen.packs.names import DASHED, check_name
from suwen.packs.problem import Problems, nearest
from suwen.packs.section import Section
from suwen.packs.source_file import decode, read_bytes
from suwen.packs.table_file import Row, read_rows
from suwen.packs.toml_places import read_toml

REGION_FILE, ORGANISATIONS_FILE, COLLISIONS_FILE = "region.toml", "organisations.csv", "collisions.csv"
CONTROL_FILE, SECRETS_FILE = "control.db", "secrets.toml"  # of the served region: accounts and audit, and the keys they are sealed with
ORGANISATION_COLUMNS = ("organisation_id", "name_en", "name_zh", "parent", "level", "kind", "division", "zone", "valid_from", "valid_to")
FEED_KEYS = ("template", "organisation", "mode", "as_of", "key_systems")
ORGANISATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_UNFIT = re.compile(r"%[0-9A-Fa-f]{2}|[\\\x00-\x1f\x7f\ud800-\udfff]")
_MD5 = re.compile(r"[0-9a-f]{32}")
_COMPARED = 1_000  # a nearest name is looked for among at most so many
_SERVER_WORDS = {"access": ("owner", "server"), "second_factor": ("administrators", "everybody", "nobody"), "log": ("plain", "json")}
_DATE_GROUPS = ({"date"}, {"year", "month", "day"})

T = TypeVar("T")


def read_region(folder: Path) -> Region:
    """The region in a folder, wholly checked. Raises SuwenError (of several mistakes all) naming file and line."""
    folder = resolved(folder)
    if not (folder / REGION_FILE).exists():
        raise SuwenError(
            f"there is no {REGION_FILE} here", where=str(folder), expected="the folder of a region", do="name it with --region, or make one with: suwen new DIR"
        )
    problems = Problems()
    document = read_toml(folder / REGION_FILE, REGION_FILE)
    top = Section(document, (), document.data, problems, ("name", "zone", "packs", "lake", "landing", "engine", "spark", "ids", "server", "keep", "store"))
    zone = _zone(top, top.text("zone"))
    history = _read_table(folder, ORGANISATIONS_FILE, ORGANISATION_COLUMNS, problems, lambda row: _organisation(row, zone, problems))
    _check_tree(history, problems)
    organisations = {o.organisation_id: o for o in sorted(history, key=lambda o: o.valid_from)}
    bucket = read_bucket(top, folder)
    lake, lake_address = read_place(top, "lake", folder, bucket)
    landing, landing_address = read_place(top, "landing", folder, bucket)
    check_apart(top, lake_address, landing_address)
    region = Region(
        folder=folder,
        name=top.text("name"),
        zone=zone,
        packs=_packs(top, folder),
        settings=read_settings(top),
        lake=lake,
        landing=landing,
        feeds=_feeds(folder, organisations, problems),
        organisations=organisations,
        history=tuple(history),
        collisions=tuple(_collisions(top, folder, problems)),
        server=_server(top),
        lake_address=lake_address,
        landing_address=landing_address,
        bucket=bucket,
        keep=_keep(top),
    )
    problems.raise_if_any()
    check_path(region.lake)
    if "\0" in str(region.landing):
        raise SuwenError("the path of landing holds a NUL", where=top.place("landing"), expected="the path of a folder")
    return region


def resolved(folder: Path) -> Path:
    """A folder without links. Raises SuwenError where its links lead back to themselves, or no system takes its name."""
    try:
        return folder.resolve()
    except (OSError, RuntimeError, ValueError):
        raise SuwenError("the folder cannot be reached", where=repr(str(folder)), expected="the path of a folder") from None


def check_path(path: Path) -> None:
    """Raises SuwenError where a lake cannot lie: delta-rs takes `%41` and `\\` in a path for another path, and no control characters."""
    if _UNFIT.search(str(path)):
        raise SuwenError(
            "the path of the lake has a part that the tables' format cannot take",
            where=str(path),
            expected="UTF-8 without percent signs before two hexadecimal digits, backslashes and control characters",
            do="rename the folder",
        )


def _zone(section: Section, zone: str) -> str:
    if zone and not known_zone(zone):
        section.problem("zone", f'unknown time zone "{zone}"', expected="an IANA zone, such as Asia/Shanghai")
    return zone


def known_zone(zone: str) -> bool:
    """Whether this is a time zone of the IANA database."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def own_packs(folder: Path) -> list[str]:
    """The names of a region's own packs, by their folders."""
    return sorted(p.parent.name for p in (folder / "packs").glob(f"*/{PACK_FILE}"))


def _packs(top: Section, folder: Path) -> tuple[str, ...]:
    names = top.texts("packs", required=True)
    known = sorted({*shipped_packs(), *own_packs(folder)})
    for name in names:
        if name not in known and not (folder / "packs" / PACK_FILE).exists():
            top.problem_at(
                "packs", name, f'unknown pack "{name}"', expected="a pack that Suwen ships, or a folder below packs/ with a pack.toml", do=nearest(name, known)
            )
    return names


def _keep(top: Section) -> Keep:
    section = top.section("keep", ("releases", "months", "named", "grace_hours"))
    if section is None:
        return Keep()
    return Keep(
        releases=section.whole("releases", Keep.releases, least=1),
        months=section.whole("months", Keep.months, least=0),
        named=section.wholes("named", least=1, most=2**31 - 1) if "named" in section.data else (),
        grace_hours=section.whole("grace_hours", Keep.grace_hours, least=0),
    )


def _site(section: Section) -> str:
    """The https address of the proxy before the server, without a path; "" for none."""
    public = section.text("public", required=False, blank=True)
    try:
        parts = urlsplit(public)
        fits = parts.scheme == "https" and bool(parts.hostname) and parts.path in ("", "/") and not parts.query and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if public and not fits:
        section.problem("public", f'"{public}" is not the address of a site', expected="https and a name, such as https://suwen.example.org")
    return f"https://{parts.netloc}" if public and fits else ""


def _server(top: Section) -> Server:
    section = top.section("server", ("address", "port", "public", "database", "access", "second_factor", "log"))
    if section is None:
        return Server()
    public = _site(section)
    for key, words in _SERVER_WORDS.items():
        if section.text(key, required=False, default=words[0]) not in words:
            section.problem(key, f"{key} is not a word that it may be", expected=" or ".join(words))
    return Server(
        address=section.text("address", required=False, default=Server.address),
        port=section.whole("port", Server.port, least=0),
        public=public,
        database=section.text("database", required=False, blank=True),
        access=section.text("access", required=False, default=Server.access),
        second_factor=section.text("second_factor", required=False, default="administrators" if public else Server.second_factor),
        log=section.text("log", required=False, default=Server.log),
    )


def _read_table(folder: Path, name: str, columns: Sequence[str], problems: Problems, shape: Callable[[Row], T | None]) -> list[T]:
    """The shaped rows of one of the region's CSV files; a file that cannot be read is a problem like any other."""
    try:
        text = decode(read_bytes(folder / name, name), name, bom_allowed=True)
    except SuwenError as error:
        problems.add_error(error, name)
        return []
    return [found for row in read_rows(text, name, {c: c for c in columns}, problems) if (found := shape(row)) is not None]


def _organisation(row: Row, zone: str, problems: Problems) -> Organisation | None:
    v = row.values
    if not ORGANISATION_ID.fullmatch(v["organisation_id"]):
        problems.add(
            row.place,
            f'"{v["organisation_id"]}" is not an organisation\'s id',
            expected="letters, digits, dots, - and _, at most 60, beginning with a letter or digit",
        )
        return None
    if v["zone"] and not known_zone(v["zone"]):
        problems.add(row.place, f'unknown time zone "{v["zone"]}"', expected="an IANA zone, such as Asia/Shanghai, or nothing for the region's")
    first, last = _day(row, "valid_from", problems), _day(row, "valid_to", problems)
    if first and last and last < first:
        problems.add(row.place, "valid_to is before valid_from", expected="the last day not before the first")
    return Organisation(
        v["organisation_id"],
        row.place,
        v["name_en"],
        v["name_zh"],
        v["parent"],
        v["level"],
        v["kind"],
        v["division"],
        v["zone"] or zone,
        first or FIRST_DAY,
        last,
    )


def _day(row: Row, column: str, problems: Problems) -> date | None:
    text = row.values[column]
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        problems.add(row.place, f'{column} "{text}" is not a date', expected="year-month-day, such as 2024-01-31, or nothing")
        return None


def _check_tree(history: Sequence[Organisation], problems: Problems) -> None:
    """Ids once at a time, parents that are there, and no organisation above itself."""
    parents: dict[str, set[str]] = {}
    periods: dict[str, list[Organisation]] = {}
    for one in history:
        for other in periods.get(one.organisation_id, ()):
            if one.valid_from <= (other.valid_to or date.max) and other.valid_from <= (one.valid_to or date.max):
                problems.add(
                    one.place,
                    f'organisation "{one.organisation_id}" stands already in line {other.place.line}',
                    expected="one row per organisation, or periods that do not overlap",
                )
        periods.setdefault(one.organisation_id, []).append(one)
        parents.setdefault(one.organisation_id, set()).update({one.parent} if one.parent else ())
    tangled = _tangled(parents)
    for one in history:
        if one.parent and one.parent not in parents:
            problems.add(
                one.place,
                f'parent "{one.parent}" is not there',
                expected="the organisation_id of another row, or nothing at the top",
                do=nearest(one.parent, parents) if len(parents) <= _COMPARED else "",
            )
        elif one.organisation_id in tangled and one.organisation_id in _above(one.organisation_id, parents):
            problems.add(one.place, f'organisation "{one.organisation_id}" lies below itself', expected="a tree: no organisation above itself")


def _tangled(parents: Mapping[str, set[str]]) -> set[str]:
    """Who is left when those without a parent are taken away, again and again: all that lie in a circle, or below one."""
    left = {name: {p for p in above if p in parents} for name, above in parents.items()}
    below: dict[str, list[str]] = {}
    for name, above in left.items():
        for parent in above:
            below.setdefault(parent, []).append(name)
    free = [name for name, above in left.items() if not above]
    while free:
        name = free.pop()
        del left[name]
        for child in below.get(name, ()):
            left[child].discard(name)
            if not left[child]:
                free.append(child)
    return set(left)


def _above(start: str, parents: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(parents.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(parents.get(name, ()))
    return found


def _feeds(folder: Path, organisations: Mapping[str, Organisation], problems: Problems) -> dict[str, Feed]:
    feeds: dict[str, Feed] = {}
    for path in sorted((folder / "feeds").glob("*.toml")):
        shown = f"feeds/{path.name}"
        try:
            document = read_toml(path, shown)
        except SuwenError as error:
            problems.add_error(error, shown)
            continue
        feeds[path.stem] = _feed(path.stem, Section(document, (), document.data, problems, FEED_KEYS), organisations)
    return feeds


def _feed(name: str, section: Section, organisations: Mapping[str, Organisation]) -> Feed:
    check_name(section, "", name, DASHED)
    organisation, mode, pattern = section.text("organisation"), section.text("mode"), section.text("as_of", required=False, blank=True)
    if organisation and organisation not in organisations:
        section.problem("organisation", f'organisation "{organisation}" is not in {ORGANISATIONS_FILE}', do=nearest(organisation, organisations))
    if mode and mode not in list(Mode):
        section.problem("mode", f'unknown mode "{mode}"', expected=" or ".join(Mode))
    if pattern and (wrong := bad_pattern(pattern)):
        section.problem("as_of", wrong, expected='a regular expression with the group date, such as "_(?P<date>[0-9]{8})[.]"')
    systems = section.section("key_systems", None)
    named = {target: systems.text(target) for target in systems.data} if systems else {}
    return Feed(name, section.place(), section.text("template"), organisation, Mode(mode) if mode in list(Mode) else Mode.UPSERT, pattern, named)


def bad_pattern(pattern: str) -> str:
    """What is wrong with a file-name pattern; "" for nothing."""
    try:
        groups = set(re.compile(pattern).groupindex)
    except re.error as error:
        return f"the pattern is not a regular expression: {error.msg}"
    except (OverflowError, RecursionError):
        return "the pattern is too large or nested too deeply"
    return "" if groups in _DATE_GROUPS else "the pattern does not name the date"


def _collisions(top: Section, folder: Path, problems: Problems) -> list[Collision]:
    ids = top.section("ids", None)
    name = ids.text("collisions", required=False, default="") if ids else ""
    if not name and not (folder / COLLISIONS_FILE).exists():
        return []
    found = _read_table(folder, name or COLLISIONS_FILE, ("id", "key_md5", "replacement"), problems, lambda row: _collision(row, problems))
    seen: dict[str, Collision] = {}
    for one in found:
        if one.key_md5 in seen:
            problems.add(one.place, "the key stands twice", expected="one line per key", do=f"remove this line or line {seen[one.key_md5].place.line}")
        seen.setdefault(one.key_md5, one)
    return found


def _collision(row: Row, problems: Problems) -> Collision | None:
    v = row.values
    numbers = [int(v[c]) if v[c].isascii() and v[c].isdigit() and len(v[c]) < 20 else -1 for c in ("id", "replacement")]
    if any(not 0 <= n < 2**63 for n in numbers):
        problems.add(row.place, "an id is not a whole number", expected="id and replacement from 0 to 2^63 - 1")
        return None
    if not _MD5.fullmatch(v["key_md5"]):
        problems.add(row.place, "key_md5 is not an md5", expected="32 small hexadecimal digits, as the run printed them")
        return None
    return Collision(numbers[0], v["key_md5"], numbers[1], row.place)
