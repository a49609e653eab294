"""Landing what a manifest lists: delivery after delivery in its order, each whole or absent; what has landed already is left out.

A manifest is a CSV with the columns of COLUMNS: the feed that sends, the date (or local time) the delivery speaks for, its mode, in mode window the first and
last date, and the folder with its files, from the manifest's own folder on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

from suwen.base.errors import Place, SuwenError
from suwen.base.progress import SILENT, Progress
from suwen.flow.land import land, templates_of
from suwen.flow.region import the_feed
from suwen.flow.stores import landing_of
from suwen.intake.durable import explained
from suwen.intake.landing import Landing
from suwen.intake.sources import find
from suwen.model.receipt import Delivery, Mode, Receipt
from suwen.model.region import Region
from suwen.packs.problem import Problems
from suwen.packs.source_file import decode
from suwen.packs.table_file import Row, read_rows

LARGEST = 100 * 1024 * 1024  # bytes of a manifest
COLUMNS = ("feed", "as_of", "mode", "window_from", "window_to", "folder")


@dataclass(frozen=True)
class Listed:
    """One line of a manifest."""

    place: Place
    feed: str
    as_of: datetime
    mode: Mode
    window: tuple[date, date] | None
    folder: Path


class Outcome(StrEnum):
    """What became of a listed delivery."""

    LANDED = "landed"
    KNOWN = "known"  # the same files of the same feed and date are there already
    REFUSED = "refused"


@dataclass(frozen=True)
class Attempt:
    """A listed delivery and what became of it: the delivery that holds its files, or why there is none."""

    listed: Listed
    outcome: Outcome
    delivery: Delivery | None = None
    error: SuwenError | None = None


def read_manifest(path: Path) -> list[Listed]:
    """The lines of a manifest, in order. Raises SuwenError naming every line that is wrong."""
    shown = path.name
    with explained("reading the manifest", path):
        if path.exists() and not path.is_file():
            raise SuwenError("this is no file", where=str(path), expected=f"a CSV with the columns {','.join(COLUMNS)}")
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise SuwenError("the manifest is larger than 100 MB", where=str(path), do="split it into several manifests")
    text = decode(content, str(path), bom_allowed=True)
    problems = Problems()
    base = path.resolve().parent
    found = [one for row in read_rows(text, shown, {c: c for c in COLUMNS}, problems) if (one := _listed(row, base, problems)) is not None]
    problems.raise_if_any()
    if not found:
        raise SuwenError("the manifest lists no delivery", where=str(path), expected="a line for each delivery below the header")
    return found


def land_manifest(
    region: Region, listed: Sequence[Listed], *, sender: str = "", progress: Progress = SILENT, message: Callable[[str], None] | None = None
) -> Iterator[Attempt]:
    """Land deliveries in order; one that is refused leaves nothing behind, and the next is landed all the same."""
    known, templates = _Known(landing_of(region)), templates_of(region)
    for one in listed:
        try:
            the_feed(region, one.feed)
            files = find([one.folder])
            _check_links(one, files)
            there = known.holding(one, files)
            if there is not None:
                _check_said(one, there)
                yield Attempt(one, Outcome.KNOWN, there)
                continue
            made = land(
                region, one.feed, [one.folder], as_of=one.as_of, mode=one.mode, window=one.window,
                sender=sender, progress=progress, message=message, templates=templates,
            )  # fmt: skip
        except SuwenError as error:
            yield Attempt(one, Outcome.REFUSED, error=error)
        else:
            yield Attempt(one, Outcome.LANDED, made)


def _check_said(listed: Listed, there: Delivery) -> None:
    """Refuse a line that says otherwise than what its files landed with: leaving it out would hide a correction."""
    said, before = _shown(listed.mode, listed.window), _shown(there.mode, there.window)
    if said != before:
        raise SuwenError(
            f"these files have landed as delivery {there.number} with {before}, and this line says {said}",
            where=listed.place,
            expected="the mode and window of the delivery that holds them",
            do="mend the line; or withdraw the delivery, and list the files under a later date",
        )


def _shown(mode: Mode, window: tuple[date, date] | None) -> str:
    return f"mode {mode}" + (f" from {window[0]} to {window[1]}" if window else "")


def _check_links(listed: Listed, files: Sequence[Path]) -> None:
    """Refuse a file that is a link to one outside the delivery's folder: a manifest comes with its files, and names no others of this machine."""
    inside = listed.folder.resolve()
    for file in files:
        if file.is_symlink() and not file.resolve().is_relative_to(inside):
            raise SuwenError("the file is a link out of the delivery's folder", where=str(file), do="put the file itself there, or land it without a manifest")


class _Known:
    """The deliveries that have landed, by feed and date."""

    def __init__(self, landing: Landing) -> None:
        self._landing, self._register = landing, landing.register()
        self._last = self._register.deliveries
        self._found: dict[tuple[str, datetime], list[Sequence[Receipt]]] = {}  # those that came since

    def holding(self, listed: Listed, files: Sequence[Path]) -> Delivery | None:
        """The delivery of the same feed and date with the same files, where there is one."""
        for delivery in self._landing.deliveries(after=self._last):
            self._found.setdefault((delivery.feed, delivery.as_of), []).append(delivery.receipts)
            self._last = delivery.number
        for receipts in (*self._register.of_moment(listed.feed, listed.as_of), *self._found.get((listed.feed, listed.as_of), ())):
            if _same(receipts, files):
                return self._landing.delivery(receipts[0].delivery)
        return None


def _same(held: Sequence[Receipt], files: Sequence[Path]) -> bool:
    """Whether a delivery's receipts hold exactly these files; they are read only where names and lengths agree."""
    receipts = {receipt.name: receipt for receipt in held}
    if receipts.keys() != {file.name for file in files}:
        return False
    with explained("reading the files", files[0].parent):
        if any(file.stat().st_size != receipts[file.name].length for file in files):
            return False
        return all(_sha256(file) == receipts[file.name].sha256 for file in files)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _listed(row: Row, base: Path, problems: Problems) -> Listed | None:
    values, before = row.values, len(problems)
    as_of = _moment(row, problems)
    mode = values["mode"]
    if mode not in list(Mode):
        problems.add(row.place, f'unknown mode "{mode}"', expected=" or ".join(Mode))
    window = _window(row, problems)
    if not values["feed"]:
        problems.add(row.place, "no feed is named", expected="the name of a feed")
    if not _below(base, values["folder"]):
        problems.add(row.place, "the folder does not lie below the manifest's", expected="a folder with the files of the delivery, from the manifest's own on")
    if len(problems) > before or as_of is None:
        return None
    return Listed(row.place, values["feed"], as_of, Mode(mode), window, base / values["folder"])


def _below(base: Path, folder: str) -> bool:
    """Whether a named folder lies below the manifest's, links followed; one whose links lead in a circle lies nowhere."""
    try:
        return bool(folder) and "\0" not in folder and (base / folder).resolve().is_relative_to(base)
    except (OSError, RuntimeError):
        return False


def _moment(row: Row, problems: Problems) -> datetime | None:
    text = row.values["as_of"]
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        problems.add(row.place, f'as_of "{text}" is not a date', expected="a date such as 2024-01-31, or a local time such as 2024-01-31T18:00")
        return None
    return found


def _window(row: Row, problems: Problems) -> tuple[date, date] | None:
    """First and last date, where told; whether they go with the mode is seen when the delivery is landed."""
    texts = row.values["window_from"], row.values["window_to"]
    if texts == ("", ""):
        return None
    try:
        return date.fromisoformat(texts[0]), date.fromisoformat(texts[1])
    except ValueError:
        problems.add(row.place, "window_from and window_to are not two dates", expected="two dates such as 2024-01-01 and 2024-01-31, or nothing in both")
        return None
