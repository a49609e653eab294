"""Measuring: a step of a bench in a process of its own, its time and memory, the bytes of a folder, and the machine.

A measured step runs in a fresh process, so that neither what another step left in memory nor the interpreter's start-up enters its figures.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parent.parent
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Measured:
    """A step as measured inside its process: wall and CPU seconds (user and system, of its own children too), the highest resident memory of the
    process in bytes (`idle`: the highest before the clock ran, interpreter and libraries), and what the step `said`.
    """

    seconds: float
    cpu: float
    peak: int
    idle: int
    said: Mapping[str, Any]


class StepFailed(Exception):
    """A step's process ended badly, with the exit code `code`; its own words stand on stderr."""

    def __init__(self, said: str, code: int = 0) -> None:
        super().__init__(said)
        self.code = code


class Clock:
    """Measures a `with` block: wall, CPU, peak memory."""

    def __enter__(self) -> Clock:
        self._idle, self._cpu, self._start = _peak(), _cpu(), time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._seconds, self._used, self._highest = time.perf_counter() - self._start, _cpu() - self._cpu, _peak()

    def measured(self, said: Mapping[str, Any]) -> Measured:
        """The block's figures, with what it has to say."""
        return Measured(self._seconds, self._used, self._highest, self._idle, said)


def _cpu() -> float:
    return sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def _peak() -> int:
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * _RSS_UNIT


def environment() -> dict[str, str]:
    """The environment of a process that imports the project from here."""
    paths = [str(ROOT), str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def in_process(module: str, step: str, arguments: Mapping[str, object]) -> Measured:
    """Run a step (`floor.copying`: a function of bench.floor) by `python -m module --child ...`; its figures begin after its imports.

    Raises StepFailed when it does not end well.
    """
    os.sync()  # what the step before left to be written is not this step's work
    command = [sys.executable, "-m", module, "--child", json.dumps({"step": step, "with": arguments})]
    done = subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise StepFailed(f"the step {step} ended with exit code {done.returncode}", done.returncode)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def as_child(said: str) -> None:
    """Do the step of a `--child` and hand its figures to the process that asked."""
    asked = json.loads(said)
    room, name = asked["step"].split(".")
    # By name and only now: the process that starts the others imports none of it and stays small, since a child's peak memory begins with its parent's.
    step: Callable[..., Measured] = getattr(import_module(f"bench.{room}"), name)
    print(json.dumps(asdict(step(**asked["with"]))))


def bytes_of(folder: Path) -> int:
    """Bytes of all files below a folder; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def machine(packages: Sequence[str]) -> dict[str, str]:
    """What the figures were measured on; nothing that names the machine or its owner."""
    return {
        "cores": str(os.cpu_count()),
        "processor": _first("/proc/cpuinfo", "model name") or platform.machine(),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{package: version(package) for package in packages},
        "load average before": f"{os.getloadavg()[0]:.1f}",
    }


def _first(path: str, key: str) -> str:
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
