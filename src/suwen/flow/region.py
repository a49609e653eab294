"""A region's folder: made, opened, given feeds, and locked while something writes to its lake."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.base.system import explained
from suwen.base.texts import is_utf8
from suwen.flow.formats import writable
from suwen.flow.region_files import (
    ORGANISATION_COLUMNS,
    ORGANISATION_ID,
    ORGANISATIONS_FILE,
    REGION_FILE,
    bad_pattern,
    check_path,
    known_zone,
    read_region,
    resolved,
)
from suwen.flow.stores import lake_of
from suwen.model.receipt import Mode
from suwen.model.region import Feed, Region
from suwen.packs.loader import Packs, load_packs, shipped_packs
from suwen.packs.names import DASHED
from suwen.packs.problem import nearest

DEFAULT_ZONE = "Asia/Shanghai"
_FOLDERS = ("feeds", "packs", "lake", "landing")
_REGION = """\
# A region of Suwen: whose records these are, and how they are kept. The pages of the manual: docs/guide.

name = {name}
zone = {zone}   # IANA time zone of every organisation that names none of its own
packs = [{packs}]   # declarations in use, the later over the earlier; own ones are folders below packs/

# Folders, from here or absolute. The landing holds what arrived, unchanged; the lake can be rebuilt from it.
# landing = "landing"
# lake = "lake"

[engine]
memory = "4GiB"   # what does not fit spills to the lake's scratch folder
# threads = 4     # default: every core of the machine
# piece_mb = 64   # files are read in pieces of about this size
# use = "spark"   # what makes releases; default: duckdb

# [spark]         # docs/guide/spark.md
# master = "spark://host:7077"   # default: this machine

# [keep]            # docs/guide/operate.md: which releases `suwen maintain` keeps
# releases = 30     # the last so many, the newest of each of the last so many months, and those named
# months = 36
# named = [1]

# [server]        # docs/guide/people-and-roles.md
# port = 8080
# public = "https://suwen.example.org"   # the https address of the proxy before it; without it the pages are for this machine alone
"""
_FEED = """\
# What one system of one organisation sends.

template = {template}
organisation = {organisation}   # organisation_id in organisations.csv
mode = {mode}   # snapshot, append, upsert or window; `suwen land --mode` says otherwise for one delivery
as_of = {as_of}   # regular expression that finds the date of a delivery in its file names, in a group named date; "" for none
"""


def create(folder: Path, packs: Sequence[str], name: str = "", zone: str = DEFAULT_ZONE) -> Region:
    """Make a region in a new or empty folder and open it. Raises SuwenError when something is there or a pack or zone is unknown; then nothing is made."""
    folder = resolved(folder)
    check_path(folder)
    if not is_utf8(name):
        raise SuwenError("the region's name is not UTF-8", where="--name", expected="text in UTF-8")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SuwenError("the folder is not empty" if folder.is_dir() else "this is a file", where=str(folder), expected="a new or empty folder")
    unknown = [pack for pack in packs if pack not in shipped_packs()]
    if unknown or not packs:
        raise SuwenError(
            f'unknown pack "{unknown[0]}"' if unknown else "no pack was named",
            expected=f"some of {', '.join(shipped_packs())}",
            do=nearest(unknown[0], shipped_packs()) if unknown else "",
        )
    if not known_zone(zone):
        raise SuwenError(f'unknown time zone "{zone}"', expected="an IANA zone, such as Asia/Shanghai")
    with explained(folder):
        for below in _FOLDERS:
            (folder / below).mkdir(parents=True)
        (folder / ORGANISATIONS_FILE).write_text(",".join(ORGANISATION_COLUMNS) + "\n", encoding="utf-8")
        text = _REGION.format(name=toml_text(name or folder.name), zone=toml_text(zone), packs=", ".join(toml_text(p) for p in packs))
        (folder / REGION_FILE).write_text(text, encoding="utf-8")
    region = open_region(folder)
    writable(region)
    return region


def open_region(folder: Path) -> Region:
    """The region in a folder, its files checked. Raises SuwenError naming file and line."""
    return read_region(folder)


def region_packs(region: Region) -> Packs:
    """The packs in use, wholly read: those that Suwen ships under the region's own."""
    return load_packs(region.packs, [region.pack_folder])


def add_feed(region: Region, name: str, template: str, organisation: str, mode: str = Mode.APPEND, as_of: str = "") -> tuple[Region, str]:
    """Write feeds/<name>.toml; gives the region read anew, and what else was done ("" or a sentence).

    An organisation that organisations.csv does not know yet is added there under its id. Raises SuwenError when anything is wrong; then nothing is written.
    """
    _check_feed(region, name, template, organisation, mode, as_of)
    note = (
        ""
        if organisation in region.organisations
        else f'organisation "{organisation}" was added to {ORGANISATIONS_FILE} with its id as its name and the zone {region.zone}'
    )
    path = region.folder / "feeds" / f"{name}.toml"
    text = _feed_text(NewFeed(name, template, organisation, mode, as_of))
    with explained(path):
        if note:
            _append_organisation(region, organisation)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return open_region(region.folder), note


@dataclass(frozen=True)
class NewFeed:
    """A feed to be written: its name, and what its file says."""

    name: str
    template: str
    organisation: str
    mode: str
    as_of: str = ""


def fill(region: Region, organisations: str, feeds: Iterable[NewFeed]) -> Region:
    """Write organisations.csv and feeds/*.toml of a new region at once; gives the region read anew. Raises SuwenError when anything is wrong in them."""
    with explained(region.folder):
        (region.folder / ORGANISATIONS_FILE).write_text(organisations, encoding="utf-8")
        for feed in feeds:
            (region.folder / "feeds" / f"{feed.name}.toml").write_text(_feed_text(feed), encoding="utf-8")
    filled = open_region(region.folder)
    templates = region_packs(filled).templates
    for one in filled.feeds.values():
        if one.template not in templates:
            raise _unknown_template(filled, one.template, templates)
    return filled


def _feed_text(feed: NewFeed) -> str:
    return _FEED.format(template=toml_text(feed.template), organisation=toml_text(feed.organisation), mode=toml_text(feed.mode), as_of=toml_text(feed.as_of))


def _check_feed(region: Region, name: str, template: str, organisation: str, mode: str, as_of: str) -> None:
    if not DASHED.fullmatch(name) or len(name) > 60:
        raise SuwenError(f'"{name}" is not a good name of a feed', expected="small letters and digits in parts joined by -, at most 60 characters")
    if name in region.feeds:
        raise SuwenError(f'there is a feed "{name}" already', where=region.feeds[name].place, do="choose another name, or edit the file")
    if not ORGANISATION_ID.fullmatch(organisation):
        raise SuwenError(
            f'"{organisation}" is not an organisation\'s id', expected="letters, digits, dots, - and _, at most 60, beginning with a letter or digit"
        )
    if mode not in list(Mode):
        raise SuwenError(f'unknown mode "{mode}"', expected=" or ".join(Mode), do=nearest(mode, list(Mode)))
    if as_of and (wrong := bad_pattern(as_of) or ("" if is_utf8(as_of) else "the pattern is not UTF-8")):
        raise SuwenError(wrong, expected='a regular expression with the group date, such as "_(?P<date>[0-9]{8})[.]"')
    templates = region_packs(region).templates
    if template not in templates:
        raise _unknown_template(region, template, templates)


def _unknown_template(region: Region, template: str, templates: Iterable[str]) -> SuwenError:
    return SuwenError(
        f'there is no template "{template}"',
        where=f"packs {', '.join(region.packs)}",
        expected="a template of a pack in use",
        do=nearest(template, templates),
    )


def _append_organisation(region: Region, organisation: str) -> None:
    """Add a line for an organisation of which only the id is known."""
    path = region.folder / ORGANISATIONS_FILE
    text = path.read_text(encoding="utf-8")
    header = next(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    values = {"organisation_id": organisation, "name_en": organisation, "name_zh": organisation, "zone": region.zone}
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([values.get(column.strip(), "") for column in header])
    path.write_text(text + ("" if text.endswith("\n") else "\n") + line.getvalue(), encoding="utf-8")


def the_feed(region: Region, name: str) -> Feed:
    """A feed by its name. Raises SuwenError when there is none."""
    if name not in region.feeds:
        raise SuwenError(
            f'there is no feed "{name}"', where=f"{region.folder}/feeds", expected="a feed of this region", do=nearest(name, region.feeds) or "suwen feed add"
        )
    return region.feeds[name]


@contextmanager
def region_lock(region: Region, *, wait: bool = False, message: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the one writer's lock of the lake; it ends with the process, however that ends.

    Without `wait` a second writer is refused by SuwenError; with it, `message` is told once and the lock awaited.
    """
    with lake_of(region).lock(wait=wait, message=message):
        yield


def is_busy(region: Region) -> bool:
    """Whether something writes to the region's lake just now."""
    return lake_of(region).busy()


def toml_text(text: str) -> str:
    """A text as TOML writes it."""
    escaped = "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else {'"': '\\"', "\\": "\\\\"}.get(c, c) for c in text)
    return f'"{escaped}"'
