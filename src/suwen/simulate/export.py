"""From blocks of events to the files that hospitals send: every system of every hospital, block after block, all at once or day by day.

The files of one delivery lie in one folder; `deliveries.csv` says of each what is to be said when it is landed, `feeds.csv` who sends by which template.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from suwen.simulate.defects.deliveries import spoil_deliveries
from suwen.simulate.defects.inject import Defects, Spoiled
from suwen.simulate.defects.truth import File
from suwen.simulate.dialects.lexicon import Lexicon
from suwen.simulate.dialects.rows import Seen
from suwen.simulate.dialects.system import Sheet, System
from suwen.simulate.dialects.text import Array, lines
from suwen.simulate.packing import gzipped, zipped
from suwen.simulate.shapes import Block, Ints
from suwen.simulate.timetable import Sent, Timetable, sent

_EPOCH = date(1970, 1, 1)
FEED_COLUMNS = ("feed", "template", "organisation", "mode")
DELIVERY_COLUMNS = ("feed", "as_of", "mode", "window_from", "window_to", "folder")


@dataclass(frozen=True, order=True)
class Delivery:
    """What is to be landed by one command. `folder`: below the export's; `window`: first and last day where the mode is window."""

    as_of: date
    feed: str
    folder: str
    mode: str
    window: tuple[date, date] | None = None


def day(number: int) -> date:
    """The date of a day since 1970-01-01."""
    return _EPOCH + timedelta(number)


class Export:
    """The files of a region being written. Blocks are given one by one; `finish` packs what is to be packed and writes the lists.

    `defects`: what to put into the files; their truth is complete after `finish`.
    """

    def __init__(
        self, folder: Path, lexicon: Lexicon, systems: Sequence[System], timetable: Timetable, *, compress: bool = False, defects: Defects | None = None
    ) -> None:
        self._folder, self._lexicon, self._systems, self._timetable, self._compress = folder, lexicon, systems, timetable, compress
        self._defects = defects
        self._begun: set[Path] = set()
        self._deliveries: dict[Delivery, System] = {}
        self.rows = 0
        for system in systems:
            self._masters(system)

    @property
    def deliveries(self) -> list[Delivery]:
        """The deliveries begun so far, in the order in which they are sent."""
        return sorted(self._deliveries)

    def write(self, block: Block) -> None:
        """Add the rows of a block to the files."""
        seen = Seen(block, self._lexicon, self._timetable.last)
        for system in self._systems:
            for sheet in system.sheets(seen, versions=self._timetable.base is not None):
                self._sheet(system, sheet, block.number)

    def finish(self) -> list[Delivery]:
        """Pack the files and write feeds.csv and deliveries.csv; the deliveries in the order in which they were sent."""
        found = told = self.deliveries
        if self._defects is not None:
            told = spoil_deliveries(self._folder, [(delivery, self._deliveries[delivery]) for delivery in found], self._defects)
        for delivery in found:
            if not (self._folder / delivery.folder).is_dir():
                continue  # it never comes
            if self._deliveries[delivery].packed:
                zipped(self._folder / delivery.folder)
            elif self._compress:
                gzipped(self._folder / delivery.folder)
        with (self._folder / "deliveries.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(DELIVERY_COLUMNS)
            writer.writerows((d.feed, d.as_of, d.mode, *(d.window or ("", "")), d.folder) for d in told)
        self._feeds()
        return told

    def _feeds(self) -> None:
        with (self._folder / "feeds.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(FEED_COLUMNS)
            for system in self._systems:
                for place in np.flatnonzero(system.hospitals(self._lexicon)):
                    writer.writerow((self._feed(system, int(place)), system.template, self._lexicon.hospitals.codes[place], system.mode))

    def _feed(self, system: System, hospital: int) -> str:
        return f"{self._lexicon.hospitals.codes[hospital].lower()}-{system.feed}"

    def _masters(self, system: System) -> None:
        hospitals = np.flatnonzero(system.hospitals(self._lexicon)).astype(np.int64)
        for master in system.masters:
            hospital, columns = master.rows(self._lexicon, hospitals, system.form)
            if len(hospital):
                self._append(system, master.file, list(columns), lines(system.form, list(columns.values())), hospital, self._timetable.first(system))

    def _sheet(self, system: System, sheet: Sheet, block: int) -> None:
        text = lines(system.form, list(sheet.columns.values()))
        headings = list(sheet.columns)
        spoiled = None if self._defects is None else self._defects.spoil(system, sheet, text, block)
        for to, places in sent(self._timetable, system, sheet):
            hospital = sheet.hospital if places is None else sheet.hospital[places]
            if spoiled is not None:
                chosen = spoiled.take(places)
                self._append(system, sheet.kind.file, headings, chosen.text, hospital, to, sheet.kind.name, chosen)
            else:
                self._append(system, sheet.kind.file, headings, text if places is None else text.take(places), hospital, to)

    def _append(
        self, system: System, file: str, headings: Sequence[str], text: Array, hospital: Ints, to: Sent, kind: str = "", spoiled: Spoiled | None = None
    ) -> None:
        """Lines of hospitals, ascending, each to the hospital's file of the delivery. `spoiled`: the defects in them, `kind` their kind of file."""
        self.rows += len(text)
        data = memoryview(text.buffers()[2])
        offsets = np.frombuffer(text.buffers()[1], dtype=np.int32)[text.offset : text.offset + len(text) + 1]
        for place, first, end in runs(hospital):
            path = self._path(system, place, file, to)
            new = path not in self._begun
            with path.open("wb" if new else "ab") as stream:
                if new:
                    stream.write(system.form.header(headings))
                    self._begun.add(path)
                if self._defects is not None and spoiled is not None:
                    below = path.parent.relative_to(self._folder).as_posix()
                    self._defects.written(spoiled, first, end, File(below, path.name, self._feed(system, place), kind), stream.tell())
                stream.write(data[offsets[first] : offsets[end]])

    def _path(self, system: System, hospital: int, file: str, to: Sent) -> Path:
        as_of, organisation = day(to.as_of), self._lexicon.hospitals.codes[hospital]
        below = f"{organisation}/{system.feed}/{as_of:%Y%m%d}" + ("-append" if to.mode == "append" != system.daily_mode else "")
        window = None if to.window is None else (day(to.window[0]), day(to.window[1]))
        delivery = Delivery(as_of, self._feed(system, hospital), below, to.mode, window)
        if delivery not in self._deliveries:
            self._deliveries[delivery] = system
            (self._folder / below).mkdir(parents=True, exist_ok=True)
        return self._folder / below / file.format(date=f"{as_of:%Y%m%d}")


def runs(values: Ints) -> Iterator[tuple[int, int, int]]:
    """(value, first place, end) of each run of equal values."""
    if not len(values):
        return
    starts = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    for first, end in zip(starts.tolist(), [*starts[1:].tolist(), len(values)], strict=True):
        yield int(values[first]), first, end
