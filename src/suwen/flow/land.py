"""Landing files for a feed: what the delivery speaks for is settled first, then the bytes are kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from suwen.base.clock import now
from suwen.base.errors import SuwenError
from suwen.base.progress import SILENT, Progress
from suwen.base.texts import is_utf8
from suwen.flow.formats import LANDING, writable
from suwen.flow.places import kind_of, survey
from suwen.flow.region import region_packs, the_feed
from suwen.flow.stores import landing_of
from suwen.intake.durable import explained
from suwen.intake.landing import Landing
from suwen.intake.sources import find
from suwen.intake.survey_store import WORTH_KEEPING
from suwen.model.pack import Template
from suwen.model.receipt import Delivery, Mode
from suwen.model.region import Feed, Region

_FORMS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_DATE_EXPECTED = "year, month and day (and hour and minute, where told) that make a date"


def land(
    region: Region,
    feed: str,
    paths: Sequence[Path],
    *,
    as_of: date | None = None,
    mode: Mode | None = None,
    window: tuple[date, date] | None = None,
    received_at: datetime | None = None,
    sender: str = "",
    progress: Progress = SILENT,
    message: Callable[[str], None] | None = None,
    templates: Mapping[str, Template] | None = None,
) -> Delivery:
    """Land files or folders as one delivery of a feed; durable when this returns. Raises SuwenError, and then nothing was taken in.

    Afterwards the files are surveyed, so that the run need not: where records lie is found while the bytes are still at hand.

    `as_of`: else the date in the file names by the feed's pattern, else the time of receipt in the organisation's zone. `mode`: else the
    feed's. `window`: first and last date, in mode window alone. `received_at` in UTC, else now. `templates`: where the caller has read them
    already (see `templates_of`).
    """
    sender_of = the_feed(region, feed)
    if not is_utf8(sender):
        raise SuwenError("the sender's name is not UTF-8", where="--sender", expected="text in UTF-8")
    held_mode = _mode(sender_of, mode, window)
    files = find(paths)
    template = (templates_of(region) if templates is None else templates).get(sender_of.template)
    if held_mode is Mode.UPSERT and template is not None:
        _refuse_keyless(template, files, sender_of)
    received = received_at or now()
    moment = as_of or date_in_names(sender_of, files) or received.astimezone(ZoneInfo(region.zone_of(sender_of))).replace(tzinfo=None)
    writable(region, LANDING)
    landing = landing_of(region, message) if message else landing_of(region)
    with explained("reading the files", files[0].parent):
        total = sum(file.stat().st_size for file in files)
    progress.start("landing", total, "bytes")
    try:
        delivery = landing.land(feed, paths, as_of=moment, mode=held_mode, window=window, sender=sender, received_at=received, progress=progress.advance)
        if template is not None:
            _survey(region, landing, delivery, template, progress)
        return delivery
    finally:
        progress.done()


def templates_of(region: Region) -> Mapping[str, Template]:
    """The templates of the packs in use; none where the packs cannot be read: what arrives is kept all the same."""
    try:
        return region_packs(region).templates
    except SuwenError:
        return {}


def _refuse_keyless(template: Template, files: Sequence[Path], feed: Feed) -> None:
    """Upsert names records by their key: files of a kind without one cannot be delivered so."""
    for file in files:
        kind = kind_of(template, file.name)
        if kind is not None and not kind.key:
            raise SuwenError(
                f"{file.name} holds {kind.name}, which have no key, and was to be landed in mode upsert",
                where=feed.place,
                expected="mode append, snapshot or window for records without a key",
                do="land it apart with --mode append",
            )


def _survey(region: Region, landing: Landing, delivery: Delivery, template: Template, progress: Progress) -> None:
    """Find where the records of a delivery's larger files lie and keep it; only a saving, so that whatever fails is left to the run to tell."""
    progress.start("surveying", sum(receipt.length for receipt in delivery.receipts), "bytes")
    for receipt in delivery.receipts:
        if receipt.length < WORTH_KEEPING:
            continue
        with suppress(SuwenError):
            survey(region, landing, receipt, template, progress.advance)


def _mode(feed: Feed, mode: Mode | None, window: tuple[date, date] | None) -> Mode:
    """The mode of a delivery, in agreement with its window."""
    held = mode or feed.mode
    if held is Mode.WINDOW and window is None:
        raise SuwenError(
            "a delivery in mode window without its window", where=feed.place, expected="the first and last date it speaks for", do="add --window FIRST..LAST"
        )
    if held is not Mode.WINDOW and window is not None:
        raise SuwenError(f"a window was given for a delivery in mode {held}", where=feed.place, do="leave --window out, or add --mode window")
    if window is not None and window[0] > window[1]:
        raise SuwenError("the window's first date is after its last", expected="FIRST..LAST, such as 2024-01-01..2024-01-31")
    return held


def date_in_names(feed: Feed, files: Sequence[Path]) -> datetime | None:
    """The one date that the names of a delivery's files tell by the feed's pattern; None without a pattern.

    Raises SuwenError when no name tells one, or names tell different ones: the date decides which version of a record holds.
    """
    if not feed.as_of:
        return None
    pattern = re.compile(feed.as_of)
    found = {file.name: _moment(match, feed, file) for file in files if (match := pattern.search(file.name))}
    if not found:
        raise SuwenError(
            "no file name tells the date of the delivery",
            where=feed.place,
            expected=f"a name in which {feed.as_of} is found",
            do="say it with --as-of, or mend as_of of the feed",
        )
    if len(set(found.values())) > 1:
        raise SuwenError(
            "the file names tell different dates",
            where=feed.place,
            expected="files of one date",
            do="land them as one delivery per date, or say the date with --as-of",
        )
    return next(iter(found.values()))


def _moment(match: re.Match[str], feed: Feed, file: Path) -> datetime:
    parts = match.groupdict()
    text = parts["date"] if "date" in parts else f"{parts['year']}{parts['month'].zfill(2)}{parts['day'].zfill(2)}" if all(parts.values()) else ""
    digits = re.sub(r"[-_.:T ]", "", text or "")
    try:
        return datetime.strptime(digits, _FORMS[len(digits)])
    except (KeyError, ValueError):
        raise SuwenError(
            f"the name of {file.name} does not tell a date", where=feed.place, expected=_DATE_EXPECTED, do="say it with --as-of, or mend as_of of the feed"
        ) from None
