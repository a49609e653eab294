"""What a run costs against its floor, on the Synthea example copied to many rows; and what two increments of 1 % cost.

The floor is what DuckDB needs to read the same files as text and to write them to zstd Parquet. Every measured step has a process of its own.
Times are printed, never asserted; content that is not as it must be ends the bench with exit code 1.

    python -m bench.spine                                     20 million rows, in build/bench; the report goes to docs/bench/spine.md
    python -m bench.spine --rows 200000 --repeats 1           a small one; its report stays beside its data
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from bench.findings import LOW_MEMORY, Findings, Increment, Settings
from bench.measure import ROOT, Measured, StepFailed, as_child, in_process, machine
from bench.report import in_text, markdown

ROWS = 20_000_000
REPORT = ROOT / "docs" / "bench" / "spine.md"
PACKAGES = ("duckdb", "deltalake", "pyarrow", "numpy", "sqlglot")
BASE_DAY, PATIENTS_DAY, CORRECTIONS_DAY = "2025-01-01", "2025-01-02", "2025-01-03"


class Spine:
    """The bench in its folder: sources are kept between calls, region and lakes are made anew."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.settings, self.sources = settings, folder / "sources" / str(settings.rows)
        self.region, self.scratch = folder / "region", folder / "floor"
        self.lake, self.trial, self.again = self.region / "lake", self.region / "lake-trial", self.region / "lake-rebuilt"

    def measure(self) -> Findings:
        """Everything, in order."""
        self.sources.mkdir(parents=True, exist_ok=True)
        machine_before = machine(PACKAGES)
        source = self._step("sources.rows", folder=str(self.sources / "region"), rows=self.settings.rows, offset=0, **self._limits()).said
        self._step("steps.region", folder=str(self.region))
        found = Findings(self.settings, machine_before, source, self._land("region", BASE_DAY))
        self._rounds(found)
        if self.settings.increments:
            self._patients(found)
            self._corrections(found)
        found.trace = self._step("steps.tracing", folder=str(self.region), lake=str(self.lake), **self._limits())
        for table, said in found.trace.said["tables"].items():
            found.check(f"a row of {table} leads to its source", said["leads"])
        return found

    def _rounds(self, found: Findings) -> None:
        """Floor and run by turns, then the run with little memory."""
        for number in range(1, self.settings.repeats + 1):
            self._say(f"round {number} of {self.settings.repeats}")
            for ordered, measures in found.floors.items():
                measures.append(self._floor(ordered))
            found.runs.append(self._fresh(self.lake, self.settings.memory))
        if self.settings.low_memory:
            found.low = self._fresh(self.again, LOW_MEMORY)
            shutil.rmtree(self.again)
        total, first = found.source["total"], found.runs[0].said
        found.check("the floor wrote every row", all(m.said["rows"] == total for measures in found.floors.values() for m in measures))
        found.check("every source record was received", all(run.said["records"] == total for run in found.runs))
        found.check("one person a patient, one visit an encounter", _people(first) == (found.source["rows"]["patients"], found.source["rows"]["encounters"]))
        found.check("every run gave the same content", len({m.said["content"] for m in [*found.runs, *([found.low] if found.low else [])]}) == 1)

    def _patients(self, found: Findings) -> None:
        base = found.source
        rows = round(base["total"] * 0.01)
        source = self._step("sources.rows", folder=str(self.sources / "patients"), rows=rows, offset=base["copies"], **self._limits()).said
        increment = self._increment(found, "new patients", source, self._land("patients", PATIENTS_DAY), found.runs[-1])
        people = tuple(base["rows"][kind] + source["rows"][kind] for kind in ("patients", "encounters"))
        found.check("new patients: one person a patient, one visit an encounter", _people(increment.runs[-1].said) == people)

    def _corrections(self, found: Findings) -> None:
        """For every copy in the region: a window says all that its days hold."""
        patients = found.increments[-1]
        copies = found.source["copies"] + patients.source["copies"]
        source = self._step("sources.corrections", folder=str(self.sources / "corrections"), copies=copies, **self._limits()).said
        landing = self._land("corrections", CORRECTIONS_DAY, source["days"])
        increment = self._increment(found, "corrections", source, landing, patients.runs[-1])
        found.check("corrections: no person or visit came or went", _people(increment.runs[-1].said) == _people(patients.runs[-1].said))

    def _increment(self, found: Findings, name: str, source: Mapping[str, Any], landing: Measured, before: Measured) -> Increment:
        """Run a landed increment on copies of the same lake; the last copy becomes the lake. Then rebuild from landing alone."""
        increment = Increment(name, source, landing, before.said["bytes"])
        for _ in range(self.settings.repeats):
            shutil.rmtree(self.trial, ignore_errors=True)
            shutil.copytree(self.lake, self.trial, copy_function=os.link)  # no file of a lake is ever changed in place
            increment.runs.append(self._run(self.trial, self.settings.memory))
        shutil.rmtree(self.lake)
        self.trial.rename(self.lake)
        contents = {run.said["content"] for run in increment.runs}
        found.check(f"{name}: every source record was received", all(run.said["records"] == source["total"] for run in increment.runs))
        found.check(f"{name}: every run gave the same content, and not the one before", len(contents) == 1 and before.said["content"] not in contents)
        if self.settings.rebuild:
            self._say(f"rebuild after {name}")
            increment.rebuild = self._fresh(self.again, self.settings.memory)
            shutil.rmtree(self.again)
            found.check(f"{name}: the content equals that of a rebuild from landing", contents == {increment.rebuild.said["content"]})
        found.increments.append(increment)
        return increment

    def _land(self, source: str, as_of: str, window: Sequence[str] | None = None) -> Measured:
        return self._step("steps.landing", folder=str(self.region), source=str(self.sources / source), as_of=as_of, window=window)

    def _floor(self, ordered: bool) -> Measured:
        return self._step("floor.copying", source=str(self.sources / "region"), out=str(self.scratch), ordered=ordered, **self._limits())

    def _fresh(self, lake: Path, memory: str) -> Measured:
        """A run from landing alone into an empty lake."""
        shutil.rmtree(lake, ignore_errors=True)
        return self._run(lake, memory)

    def _run(self, lake: Path, memory: str) -> Measured:
        return self._step("steps.running", folder=str(self.region), lake=str(lake), threads=self.settings.threads, memory=memory)

    def _limits(self) -> dict[str, object]:
        return {"threads": self.settings.threads, "memory": self.settings.memory}

    def _step(self, step: str, **arguments: object) -> Measured:
        measured = in_process("bench.spine", step, arguments)
        self._say(f"{step:<21}{measured.seconds:>9.2f} s {measured.cpu:>9.2f} s CPU {measured.peak / 2**20:>7.0f} MiB")
        return measured

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


def _people(said: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(said["rows"].get(name, 0) for name in ("cdr/person", "cdr/visit_occurrence"))


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code: 1 where content is wrong or a step failed. `words` of the command line, else the process's own."""
    given = _arguments(words)
    if given.child:
        as_child(given.child)
        return 0
    folder = given.folder.resolve()
    settings = Settings(given.rows, given.memory, given.threads, given.repeats, not given.skip_low_memory, not given.skip_increments, not given.no_rebuild)
    try:
        found = Spine(folder, settings).measure()
    except StepFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spine.json").write_text(json.dumps({"date": given.date, **asdict(found)}, indent=1), encoding="utf-8")
    report = given.report or (REPORT if given.rows == ROWS else folder / "spine.md")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(markdown(found, given.date), encoding="utf-8")
    print(in_text(found, given.date))
    return 0 if found.all_hold else 1


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.spine", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=_positive, default=ROWS, help="source rows (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench", help="where sources, region and figures are kept (default: build/bench)")
    parser.add_argument("--memory", default="4GiB", help="DuckDB's memory limit (default: %(default)s)")
    parser.add_argument("--threads", type=_positive, default=2, help="default: %(default)s")
    parser.add_argument("--repeats", type=_positive, default=3, help="rounds of floor and run, and runs of each increment (default: %(default)s)")
    parser.add_argument("--skip-low-memory", action="store_true", help=f"no run at {LOW_MEMORY}")
    parser.add_argument("--skip-increments", action="store_true", help="run against floor alone")
    parser.add_argument("--no-rebuild", action="store_true", help="no rebuild after increments, and no comparison with it")
    parser.add_argument(
        "--report", type=Path, help="the Markdown report (default: docs/bench/spine.md at the default number of rows, else spine.md in the folder)"
    )
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the report (default: today)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
