"""From blocks of events to the files that hospitals send: every system of every hospital, block after block, all at once or day by day.

The files of one delivery lie in one folder; `deliveries.csv` says of each what is to be said when it is landed, `feeds.csv` who sends by which template.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
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
from suwen.simulate.sending import Delivery, Sending
from suwen.simulate.shapes import Block, Ints
from suwen.simulate.timetable import Sent, Timetable, sent

_EPOCH = date(1970, 1, 1)
FEED_COLUMNS = ("feed", "template", "organisation", "mode")
DELIVERY_COLUMNS = ("feed", "as_of", "mode", "window_from", "window_to", "folder")


def day(number: int) -> date:
    """The date of a day since 1970-01-01."""
    return _EPOCH + timedelta(number)


class Export:
    """The files of a region being written. Blocks are given one by one; `finish` packs what is to be packed and writes the lists.

    `defects`: what to put into the files; their truth is complete after `finish`. `region`: the lexicon with every hospital, where `lexicon` has only some.
    """

    def __init__(
        self,
        folder: Path,
        lexicon: Lexicon,
        systems: Sequence[System],
        timetable: Timetable,
        *,
        compress: bool = False,
        defects: Defects | None = None,
        region: Lexicon | None = None,
    ) -> None:
        self._region = region or lexicon
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
        told = in_order(self.pack())
        write_lists(self._folder, self._region, self._systems, told)
        return told

    def pack(self) -> list[Sending]:
        """Put in the defects of whole files and deliveries, and pack what is to be packed; the deliveries as they are said to be sent."""
        told = [Sending(delivery.as_of, False, delivery) for delivery in self.deliveries]
        if self._defects is not None:
            feeds = {system.name: [feed_name(system, self._region, place) for place in _places(system, self._region)] for system in self._systems}
            told = spoil_deliveries(self._folder, sorted(self._deliveries.items(), key=lambda item: item[0]), feeds, self._defects)
        for delivery in self.deliveries:
            if not (self._folder / delivery.folder).is_dir():
                continue  # it never comes
            if self._deliveries[delivery].packed:
                zipped(self._folder / delivery.folder)
            elif self._compress:
                gzipped(self._folder / delivery.folder)
        return told

    def _feed(self, system: System, hospital: int) -> str:
        return feed_name(system, self._lexicon, hospital)

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


def feed_name(system: System, lexicon: Lexicon, hospital: int) -> str:
    """The feed by which a hospital's system sends."""
    return f"{lexicon.hospitals.codes[hospital].lower()}-{system.feed}"


def feed_rows(lexicon: Lexicon, systems: Sequence[System]) -> Iterator[tuple[str, str, str, str]]:
    """Who sends by which template: feed, template, organisation and usual mode."""
    for system in systems:
        for place in _places(system, lexicon):
            yield feed_name(system, lexicon, place), system.template, lexicon.hospitals.codes[place], system.mode


def _places(system: System, lexicon: Lexicon) -> list[int]:
    """The hospitals that a system stands in."""
    found: list[int] = np.flatnonzero(system.hospitals(lexicon)).tolist()
    return found


def in_order(sendings: Sequence[Sending]) -> list[Delivery]:
    """The deliveries of any processes in the order in which they are sent."""
    return [sending.delivery for sending in sorted(sendings)]


def write_lists(folder: Path, lexicon: Lexicon, systems: Sequence[System], deliveries: Sequence[Delivery]) -> None:
    """Write feeds.csv and deliveries.csv."""
    with (folder / "deliveries.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(DELIVERY_COLUMNS)
        writer.writerows((d.feed, d.as_of, d.mode, *(d.window or ("", "")), d.folder) for d in deliveries)
    with (folder / "feeds.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(FEED_COLUMNS)
        writer.writerows(feed_rows(lexicon, systems))


def runs(values: Ints) -> Iterator[tuple[int, int, int]]:
    """(value, first place, end) of each run of equal values."""
    if not len(values):
        return
    starts = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    for first, end in zip(starts.tolist(), [*starts[1:].tolist(), len(values)], strict=True):
        yield int(values[first]), first, end
