"""The steps of the simulator's bench, each run in a process of its own."""

from __future__ import annotations

import os
import resource
import shutil
import threading
from pathlib import Path

from bench.measure import Clock, Measured, bytes_of
from suwen.simulate.defects.profile import Profile, default_profile
from suwen.simulate.dialects.systems import SYSTEMS
from suwen.simulate.export import Export
from suwen.simulate.region import Simulation
from suwen.simulate.settings import Settings
from suwen.simulate.timetable import Timetable
from suwen.simulate.together import Scene

_EVERY = 0.05  # seconds between two looks at the memory


def region(folder: str, hospitals: int, persons: int, years: int, clean: bool, processes: int) -> Measured:
    """A region written whole and removed. Says rows, bytes, and the highest resident memory of all processes together, where the system tells it."""
    target = Path(folder)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    watch = _Watch()
    with Clock() as clock, watch:
        settings = Settings(hospitals=hospitals, persons=persons, years=years, clean=clean)
        made = Simulation(settings, Profile() if clean else default_profile(daily=False)).write(target, processes=processes)
    said = {"rows": made.rows, "bytes": bytes_of(target / "exports"), "together": watch.highest}
    shutil.rmtree(target)
    return clock.measured(said)


def blocks(folder: str, hospitals: int, persons: int, years: int, count: int) -> Measured:
    """The first blocks of a large region, written by one process and removed. Says rows, bytes, files, and after each block the highest memory so far."""
    target = Path(folder)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    peaks: list[int] = []
    with Clock() as clock:
        settings = Settings(hospitals=hospitals, persons=persons, years=years, clean=True)
        scene = Scene(settings)
        export = Export(target, scene.lexicon, list(SYSTEMS.values()), Timetable(settings.last))
        for number in range(min(count, scene.world.blocks)):
            export.write(scene.block(number))
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    files = sum(len(names) for _, _, names in os.walk(target))
    said = {"rows": export.rows, "bytes": bytes_of(target), "files": files, "blocks": scene.world.blocks, "peaks": peaks}
    shutil.rmtree(target)
    return clock.measured(said)


class _Watch:
    """The highest resident memory of this process and its children together, looked at again and again; 0 where /proc does not tell."""

    def __init__(self) -> None:
        self.highest, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        tree = Path("/proc/self/task")
        while tree.exists() and not self._over.wait(_EVERY):
            own = [os.getpid(), *(int(child) for task in tree.iterdir() for child in _words(task / "children"))]
            self.highest = max(self.highest, sum(_resident(process) for process in own))


def _resident(process: int) -> int:
    words = _words(Path(f"/proc/{process}/statm"))
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") if words else 0


def _words(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").split()
    except OSError:  # ended meanwhile
        return []
