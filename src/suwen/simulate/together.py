"""Blocks made and written by one process, or by two side by side with the same bytes.

Each process writes the files of its own hospitals and makes every second block; what it makes it leaves in a file for the other to read. A file belongs to
one hospital and blocks are written in order, so that nothing in it depends on how many processes there are.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np

from suwen.base.errors import Defect, SuwenError
from suwen.simulate.care import care
from suwen.simulate.catalogue import Catalogue, read_catalogue
from suwen.simulate.defects.inject import Defects
from suwen.simulate.defects.profile import Profile
from suwen.simulate.dialects.lexicon import Lexicon
from suwen.simulate.dialects.systems import SYSTEMS
from suwen.simulate.dialects.text import Mask
from suwen.simulate.export import Export
from suwen.simulate.naming import lexicon_of
from suwen.simulate.sending import Sending
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import TABLES, Block, Rows
from suwen.simulate.timetable import Timetable
from suwen.simulate.truth import Cases, Counts, Totals
from suwen.simulate.truth_files import DEFECTS, OUTPATIENT, keep_block, part
from suwen.simulate.truth_stays import Clinics, charged
from suwen.simulate.world import World

_SMALL, _WORD = np.iinfo(np.int32), 8
DAILY = 90  # days before the last that are sent day by day
Advance = Callable[[int], None]


@dataclass(frozen=True)
class Work:
    """What is to be written: exports and parts of the truth, each into a folder that is there; `scratch` for what processes hand each other.

    `timetable`: where not that of the settings. `only`: hospitals, by their codes, whose files are written, without the truth; all where none is named.
    """

    settings: Settings
    exports: Path
    parts: Path
    scratch: Path
    compress: bool = False
    defects: Profile = field(default_factory=Profile)
    timetable: Timetable | None = None
    only: frozenset[str] = frozenset()

    def wanted(self, lexicon: Lexicon) -> Mask:
        """Which hospitals' files are written."""
        return np.array([not self.only or code in self.only for code in lexicon.hospitals.codes])


@dataclass
class Share:
    """What one process did: its deliveries, and what it counted in the blocks that it made."""

    rows: int = 0
    sendings: list[Sending] = field(default_factory=list)
    totals: Counts = field(default_factory=dict)
    cases: Cases = field(default_factory=lambda: Cases(0))


class Scene:
    """What every process makes for itself from the settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.world = World(settings)
        self.catalogue: Catalogue = read_catalogue(self.world.knowledge.conditions)
        self.lexicon: Lexicon = lexicon_of(settings, self.world.knowledge, self.catalogue, self.world.places)

    def block(self, number: int) -> Block:
        """A block with all that happens in it."""
        return care(self.catalogue, self.settings, self.world.block(number))


def alone(work: Work, scene: Scene, advance: Advance) -> Share:
    """All blocks, one after the other."""
    counted = _Counting(work, scene)
    blocks = ((number, scene.block(number)) for number in range(scene.world.blocks))
    return _written(work, scene, 0, _restricted(scene.lexicon, work.wanted(scene.lexicon)), counted, counted.each(blocks), advance)


def two(work: Work, advance: Advance) -> Share:
    """The same by two processes. Raises what one of them raised; then the other has been ended."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    running: dict[Connection, BaseProcess] = {}
    try:
        for place in (0, 1):
            ours, theirs = context.Pipe(duplex=False)
            process: BaseProcess = context.Process(target=_side, args=(work, place, barrier, theirs), daemon=True)
            process.start()
            theirs.close()
            running[ours] = process
        shares = list(_answers(running, advance))
        if len(shares) < len(running):
            raise Defect("the simulating processes lost each other")
    finally:
        for process in running.values():
            process.terminate()
            process.join()
    whole = shares[0]
    for share in shares[1:]:
        whole.rows += share.rows
        whole.sendings += share.sendings
        whole.cases.merge(share.cases)
        for basis, columns in share.totals.items():
            for name, column in columns.items():
                whole.totals[basis][name] += column
    return whole


def _answers(running: dict[Connection, BaseProcess], advance: Advance) -> Iterator[Share]:
    """What the processes made, as they end; what they tell meanwhile goes to `advance`."""
    waiting = set(running)
    while waiting:
        for one in wait(list(waiting)):
            assert isinstance(one, Connection)
            try:
                told = one.recv()
            except EOFError:
                raise Defect("a simulating process ended before its work was done; the system may have run out of memory") from None
            if isinstance(told, int):
                advance(told)
            elif isinstance(told, Share):
                waiting.discard(one)
                yield told
            elif isinstance(told, threading.BrokenBarrierError):  # the other one tells why it broke
                waiting.discard(one)
            else:
                raise told


def _side(work: Work, place: int, barrier: Any, told: Connection) -> None:
    """One of two processes."""
    try:
        scene = Scene(work.settings)
        lexicon = _restricted(scene.lexicon, _deal(scene, place, work.wanted(scene.lexicon)))
        counted = _Counting(work, scene)
        blocks = _exchanged(work, scene, place, barrier, counted)
        share = _written(work, scene, place, lexicon, counted, blocks, told.send)
        told.send(share)
    except BrokenPipeError:
        barrier.abort()  # nobody waits for it any more
    except (SuwenError, Defect, OSError, threading.BrokenBarrierError) as error:
        barrier.abort()
        told.send(error)
    except KeyboardInterrupt:
        barrier.abort()
    except Exception as error:  # its message may hold anything: its class and place are told
        barrier.abort()
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        where = f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at else "?"
        told.send(Defect(f"{type(error).__name__} at {where} in a simulating process"))


def _restricted(lexicon: Lexicon, hospitals: Mask) -> Lexicon:
    """The names with the systems of some hospitals alone."""
    return dataclasses.replace(lexicon, systems=tuple(names if own else () for names, own in zip(lexicon.systems, hospitals, strict=True)))


def _deal(scene: Scene, place: int, wanted: Mask) -> Mask:
    """Which of the wanted hospitals a process writes: the busiest first, each to whom has less."""
    hospitals = scene.world.places.hospitals
    weight = np.array([0, 1, 8, 30])[hospitals.level] * (2 + hospitals.laboratory + hospitals.front_page) * wanted
    loads, owner = [0, 0], np.zeros(len(hospitals), dtype=np.int64)
    for hospital in np.argsort(-weight, kind="stable").tolist():
        owner[hospital] = int(loads[1] < loads[0])
        loads[owner[hospital]] += int(weight[hospital])
    return np.asarray((owner == place) & wanted)


class _Counting:
    """The truth of the blocks that a process makes."""

    def __init__(self, work: Work, scene: Scene) -> None:
        self._work, self._lexicon = work, scene.lexicon
        self.totals = Totals(scene.lexicon, scene.settings.first, scene.settings.last)
        self.clinics = Clinics(len(scene.lexicon.systems), scene.settings.first, scene.settings.last)
        self.cases = Cases(len(scene.world.outbreaks))

    @property
    def counts(self) -> Counts:
        """All that is counted by hospital and day."""
        return {**self.totals.counts, OUTPATIENT: self.clinics.counts}

    def add(self, number: int, block: Block) -> None:
        if self._work.only:
            return
        sums = charged(block, self._lexicon)
        self.totals.add(block)
        self.clinics.add(block, sums)
        self.cases.add(block.rows["case_report"])
        keep_block(self._work.parts, number, block, self._lexicon, sums)

    def each(self, blocks: Iterator[tuple[int, Block]]) -> Iterator[Block]:
        for number, block in blocks:
            self.add(number, block)
            yield block


def _written(work: Work, scene: Scene, place: int, lexicon: Lexicon, counted: _Counting, blocks: Iterator[Block], advance: Advance) -> Share:
    settings = scene.settings
    base = max(settings.first, settings.last - DAILY) if settings.daily else None
    defects = Defects(work.defects, settings.seed) if work.defects.rates else None
    timetable = work.timetable or Timetable(settings.last, base)
    export = Export(work.exports, lexicon, list(SYSTEMS.values()), timetable, compress=work.compress, defects=defects, region=scene.lexicon)
    said = 0
    for block in blocks:
        export.write(block)
        advance(export.rows - said)
        said = export.rows
    sendings = export.pack()
    if defects is not None:
        defects.write(part(work.parts, DEFECTS, place))
    return Share(export.rows, sendings, counted.counts, counted.cases)


def _exchanged(work: Work, scene: Scene, place: int, barrier: Any, counted: _Counting) -> Iterator[Block]:
    """All blocks in order: every second one made here, the others read."""
    for first in range(0, scene.world.blocks, 2):
        own: Block | None = None
        if first + place < scene.world.blocks:
            own = scene.block(first + place)
            counted.add(first + place, own)
            _save(work.scratch, own)
        barrier.wait()
        for number in range(first, min(first + 2, scene.world.blocks)):
            yield own if own is not None and own.number == number else _load(work.scratch, number)
        barrier.wait()  # both are through: what stands in scratch may go
        if own is not None:
            _file(work.scratch, own.number).unlink()


def _file(scratch: Path, number: int) -> Path:
    return scratch / f"block-{number}"


def _save(scratch: Path, block: Block) -> None:
    """Lengths of the tables, then their columns, each by four bytes a number where all fit and with that said before it."""
    with _file(scratch, block.number).open("wb") as stream:
        stream.write(np.array([len(block.rows[table]) for table in TABLES], dtype=np.int64).data)  # tofile would not say why it failed
        for table, shape in TABLES.items():
            for column in shape:
                values = block.rows[table][column]
                small = not len(values) or (values.min() >= _SMALL.min and values.max() <= _SMALL.max)
                held = np.ascontiguousarray(values, dtype=np.int32 if small else np.int64)
                stream.write(np.array([held.nbytes], dtype=np.int64).data)
                stream.write(held.data)
                stream.write(bytes(-held.nbytes % _WORD))


def _load(scratch: Path, number: int) -> Block:
    held = np.memmap(_file(scratch, number), dtype=np.int64, mode="r")
    at, rows = len(TABLES), {}
    for (table, shape), length in zip(TABLES.items(), held[: len(TABLES)].tolist(), strict=True):
        columns = {}
        for column in shape:
            size = int(held[at])
            words = -(-size // _WORD)
            kept = held[at + 1 : at + 1 + words]
            columns[column] = np.asarray(kept) if size == length * _WORD else kept.view(np.int32)[:length].astype(np.int64)
            at += 1 + words
        rows[table] = Rows(table, columns)
    return Block(number, rows)
