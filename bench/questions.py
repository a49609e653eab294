"""Questions asked of a large region, cold and warm, beside DuckDB reading the same columns of the same files.

Cold: root is needed, since the page cache is dropped before each asking. Times are printed, never asserted; the exit code is 1 where answers differ.

    python -m bench.questions REGION                 a region of 100 million rows, as `bench.scale --keep` leaves it; the report goes to docs/bench/questions.md
    python -m bench.questions REGION --report F      another one; `--warm`: without cold, for who is not root
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

from bench.measure import ROOT, Measured, StepFailed, as_child, in_process, machine
from bench.report import Table, marked

REPORT = ROOT / "docs" / "bench" / "questions.md"
PACKAGES = ("duckdb", "deltalake", "pyarrow", "sqlglot")
MOST = 1.5  # times the reading of the same columns, cold
NAMES = {
    "cells": "the ten indicators of every hospital and month, from stored cells",
    "tables": "the same, counted from the tables",
    "course": "persons with a diagnosis, then a drug within 30 days, then a result above a limit",
}
_WHAT = (
    "Every question is asked through the door that people use, to the whole answer: indicators as `suwen.open` gives them, the course as one SQL over the",
    "schema `omop`. The door is open already, as a server's is: opening it reads the packs, and is told apart. Beside it DuckDB alone reads the columns that",
    "the question names, of the same files, each counted and hashed in one pass over a table, so that no statistics answer for them.",
    "",
    "Cold: a new process drops the page cache of the machine and asks once; what came from the disk is what it was given by it (read_bytes of /proc/self/io).",
    "Warm: asked again in one process, of a new door each time, after one that does not count.",
    "",
    "Cells hold so little that reading them is no measure of a question: what is left are 8,640 values as exact fractions, each with its parts. So the",
    "indicators stand beside the columns of the tables that they count, which whoever keeps no cells has to read.",
)


@dataclass(frozen=True)
class Found:
    """The rounds of one question: asked and read, cold (empty where not measured) and warm."""

    asked: Sequence[Measured]
    read: Sequence[Measured]

    def seconds(self, of: Sequence[Measured]) -> float:
        """The median of all rounds."""
        return median(second for one in of for second in one.said["seconds"])

    def bytes(self, of: Sequence[Measured]) -> float:
        return median(size for one in of for size in one.said["bytes"])

    @property
    def ratio(self) -> float:
        return self.seconds(self.asked) / self.seconds(self.read)


def measure(folder: str, rounds: int, limits: Mapping[str, object], *, cold: bool) -> dict[tuple[str, bool], Found]:
    """Every question cold and warm, in turns with the reading of its columns."""
    found: dict[tuple[str, bool], Found] = {}
    for question in NAMES:
        for dropped in (True, False) if cold else (False,):
            pairs = []
            for _ in range(rounds if dropped else 1):
                arguments = {"folder": folder, "question": question, "cold": dropped, "rounds": rounds, **limits}
                pairs.append([_step(f"questioning.{what}", **arguments) for what in ("asked", "read")])
            found[question, dropped] = Found([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    return found


def _step(step: str, **arguments: object) -> Measured:
    measured = in_process("bench.questions", step, arguments)
    said = " ".join(f"{second:.2f}" for second in measured.said.get("seconds", ()))
    print(f"{step:<20}{arguments.get('question', '')!s:<8}{'cold' if arguments.get('cold') else 'warm':<5}{said}", file=sys.stderr, flush=True)
    return measured


def checks(found: Mapping[tuple[str, bool], Found], by_hand: Measured) -> Iterator[tuple[str, bool]]:
    """What must hold of the answers."""
    answers = {
        name: {answer for (question, _), one in found.items() if question == name for step in one.asked for answer in step.said["answers"]} for name in NAMES
    }
    yield "every asking gave the same answer", all(len(given) == 1 for given in answers.values())
    yield "cells and tables gave the same values", answers["cells"] == answers["tables"]
    yield "another query, by DuckDB alone, found the same persons", answers["course"] == {str(dict(by_hand.said))} and by_hand.said["persons"] > 0


def markdown(
    found: Mapping[tuple[str, bool], Found], held: Sequence[tuple[str, bool]], region: Measured, given: argparse.Namespace, before: Mapping[str, str]
) -> str:
    """The page."""
    said = region.said
    rows = [
        (
            NAMES[question], "cold" if cold else "warm", _listed(one, one.asked), _listed(one, one.read), f"{one.ratio:.2f}",
            f"<= {MOST}" if cold and question == "course" else "", f"{one.bytes(one.asked) / 1e6:,.0f}", f"{one.bytes(one.read) / 1e6:,.0f}",
            f"{max(step.peak for step in one.asked) / 2**20:,.0f}", f"{median(second for step in one.asked for second in step.said['opening']):.2f}",
        )
        for (question, cold), one in found.items()
    ]  # fmt: skip
    columns = (
        "question",
        "page cache",
        "asked, s",
        "columns read, s",
        "asked / read",
        "wanted",
        "asked, MB from disk",
        "read, MB from disk",
        "peak, MiB",
        "opening, s",
    )
    tables = [
        Table("In short", columns, rows),
        Table("The ten indicators from cells, against the columns that they count", _AGAINST, list(_against(found))),
        Table("What must hold", ("what", "holds"), [(name, "yes" if holds else "NO") for name, holds in held]),
        Table("The region", ("what", "is"), [(name, f"{value:,}") for name, value in said.items()]),
        Table("Machine", ("what", "is"), list(before.items())),
    ]
    head = ["# What questions cost at scale", "", *_WHAT, ""]
    head += [f"`python -m bench.questions REGION`: rounds: {given.rounds}; {given.threads} threads, memory limit {given.memory}, {given.date}.", ""]
    return "\n".join([*head, *(line for table in tables for line in marked(table)), *_sql()])


_AGAINST = ("page cache", "asked, s", "columns of the tables read, s", "asked / read", "wanted")


def _against(found: Mapping[tuple[str, bool], Found]) -> Iterator[tuple[str, ...]]:
    for cold in (True, False):
        if ("cells", cold) in found:
            one, tables = found["cells", cold], found["tables", cold]
            ratio = one.seconds(one.asked) / tables.seconds(tables.read)
            yield "cold" if cold else "warm", _listed(one, one.asked), _listed(tables, tables.read), f"{ratio:.2f}", f"<= {MOST}" if cold else ""


def _listed(found: Found, of: Sequence[Measured]) -> str:
    rounds = [second for one in of for second in one.said["seconds"]]
    return f"{found.seconds(of):.2f} ({' '.join(f'{second:.2f}' for second in rounds)})"


def _sql() -> list[str]:
    from bench.questioning import COURSE  # noqa: PLC0415 the process that starts the others imports no engine before it has measured

    return ["## The question of the course", "", "```sql", COURSE.strip(), "```", ""]


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code: 1 where a step failed or answers differ. `words` of the command line, else the process's own."""
    given = _arguments(words)
    if given.child:
        as_child(given.child)
        return 0
    before, limits = machine(PACKAGES), {"threads": given.threads, "memory": given.memory}
    folder = str(given.region.resolve())
    try:
        region = in_process("bench.questions", "questioning.described", {"folder": folder, **limits})
        by_hand = in_process("bench.questions", "questioning.course_by_hand", {"folder": folder, **limits})
        found = measure(folder, given.rounds, limits, cold=not given.warm)
    except StepFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    held = list(checks(found, by_hand))
    given.report.parent.mkdir(parents=True, exist_ok=True)
    given.report.write_text(markdown(found, held, region, given, before), encoding="utf-8")
    print(given.report.read_text("utf-8"))
    return 0 if all(holds for _, holds in held) else 1


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.questions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "region", type=Path, nargs="?", default=ROOT / "build" / "bench-scale" / "100M" / "region", help="default: what bench.scale --keep left"
    )
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--warm", action="store_true", help="leave cold out")
    parser.add_argument("--memory", default="10GiB", help="DuckDB's memory limit (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--report", type=Path, default=REPORT, help="default: docs/bench/questions.md")
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the report (default: today)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
