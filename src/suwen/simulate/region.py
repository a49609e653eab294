"""The door of the simulator: from settings to a folder with what hospitals sent, and the truth beside it.

exports/   the files by hospital, system and delivery; feeds.csv: who sends by which template; deliveries.csv: what is to be landed, in order
truth/     persons, links, stays, open_visits, outbreaks, defects (where there are any), outpatient visits and totals by organisation and day as Parquet;
           settings.json
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.base.progress import SILENT, Progress
from suwen.base.system import explained
from suwen.simulate.defects.profile import Profile
from suwen.simulate.dialects.systems import SYSTEMS
from suwen.simulate.export import feed_rows, in_order, write_lists
from suwen.simulate.settings import Settings
from suwen.simulate.timetable import Timetable
from suwen.simulate.together import Scene, Share, Work, alone, two
from suwen.simulate.truth_files import join_defects, join_parts, write_outbreaks, write_settings, write_totals

PAYS = 100_000  # person-years from which a second process wins more than its start costs
DATE_IN_NAME = "(^|_)(?P<date>[0-9]{8})[.]"  # finds the day of a delivery in the names of its files


@dataclass(frozen=True)
class Made:
    """What a simulation wrote."""

    rows: int
    deliveries: int
    seconds: float


class Simulation:
    """A region to be simulated. `defects`: how often each kind is, none where not given.

    `organisations`: the text of organisations.csv; `feeds`: (feed, template, organisation, usual mode).

    Raises SuwenError where the settings do not go together.
    """

    def __init__(self, settings: Settings, defects: Profile | None = None) -> None:
        if settings.persons < settings.hospitals:
            raise SuwenError(
                f"{settings.hospitals:,} hospitals for {settings.persons:,} persons cannot be simulated",
                where="--persons",
                expected="at least as many persons as hospitals",
            )
        self.settings, self.defects = settings, defects or Profile()
        self._scene = Scene(settings)
        self.organisations = self._scene.world.organisations()
        self.feeds = list(feed_rows(self._scene.lexicon, list(SYSTEMS.values())))

    def write(
        self,
        folder: Path,
        *,
        compress: bool = False,
        processes: int | None = None,
        progress: Progress = SILENT,
        timetable: Timetable | None = None,
        only: Collection[str] = (),
    ) -> Made:
        """Write exports/ and truth/ into a folder. `processes`: 1 or 2; two by themselves where it pays and the machine has two cores.

        The same bytes come of either. `timetable`: when what is sent, where not by the settings. `only`: hospitals, by their codes, whose files alone are
        written; then there is no truth. Raises SuwenError where the disk does not allow it.
        """
        began = time.monotonic()
        exports, truth, parts, scratch = (folder / name for name in ("exports", "truth", "truth/parts", "scratch"))
        with explained(folder):
            for made in (exports, truth, parts, scratch):
                made.mkdir()
            progress.start("simulating")
            work = Work(self.settings, exports, parts, scratch, compress, self.defects, timetable, frozenset(only))
            share = self._simulated(work, processes, progress)
            progress.start("writing the truth", None, "files")
            write_lists(exports, self._scene.lexicon, list(SYSTEMS.values()), in_order(share.sendings))
            if not only:
                self._finish(truth, parts, share)
            parts.rmdir()
            scratch.rmdir()
        progress.done()
        return Made(share.rows, len(share.sendings), time.monotonic() - began)

    def _simulated(self, work: Work, processes: int | None, progress: Progress) -> Share:
        pays = self.settings.persons * self.settings.years >= PAYS and (os.cpu_count() or 1) > 1
        if processes == 2 or (processes is None and pays):
            return two(work, progress.advance)
        return alone(work, self._scene, progress.advance)

    def _finish(self, truth: Path, parts: Path, share: Share) -> None:
        scene = self._scene
        join_parts(parts, truth, scene.world.blocks)
        join_defects(parts, truth)
        write_totals(truth, scene.lexicon, self.settings, share.totals)
        write_outbreaks(truth, scene.world, scene.lexicon, share.cases)
        write_settings(truth, self.settings, self.defects, share.rows)
