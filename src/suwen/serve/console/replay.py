"""Replaying the quarantine from a page: a run in a process of its own, its last words kept beside the lake."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock, Thread

from suwen.base.atomic import written_whole
from suwen.base.clock import now
from suwen.flow.region import is_busy
from suwen.model.region import Region

_KEPT = ".replay.json"
_LONGEST = 2_000  # characters of its last words
_beginning = Lock()
_at_work: set[Path] = set()  # lakes of which this process waits for a run; one that begins holds the region's lock only after a while


@dataclass(frozen=True)
class Replay:
    """The last replay that a page began: when (ISO), by whom, its exit code (None: it has not ended, or nobody was there to see it), and what it said."""

    begun_at: str
    by: str
    code: int | None
    said: str


def begin(region: Region, by: str) -> bool:
    """Start a run; False where one is at work already."""
    with _beginning:
        if is_at_work(region):
            return False
        begun = Replay(now().isoformat(timespec="seconds"), by, None, "")
        _keep(region, begun)
        command = [sys.executable, "-m", "suwen.cli.main", "run", "--region", str(region.folder)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, encoding="utf-8", errors="replace"
        )
        _at_work.add(region.lake)
    Thread(target=_watch, args=(region, begun, process), daemon=True).start()
    return True


def is_at_work(region: Region) -> bool:
    """Whether a run is at work, or about to be."""
    return region.lake in _at_work or is_busy(region)


def last(region: Region) -> Replay | None:
    """The last replay; None where there was none, or nobody knows."""
    try:
        return Replay(**json.loads(_file(region).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _watch(region: Region, begun: Replay, process: subprocess.Popen[str]) -> None:
    try:
        said, _ = process.communicate()
        _keep(region, Replay(begun.begun_at, begun.by, process.returncode, said[-_LONGEST:]))
    finally:
        _at_work.discard(region.lake)


def _keep(region: Region, replay: Replay) -> None:
    with written_whole(_file(region)) as aside:
        aside.write_text(json.dumps(asdict(replay), ensure_ascii=False), encoding="utf-8")


def _file(region: Region) -> Path:
    return region.lake / _KEPT
