"""A run that leaves its figures behind: when, how it ended, seconds of each stage, the most memory its process had."""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from suwen.base.clock import now
from suwen.base.errors import SuwenError
from suwen.base.progress import SILENT, Progress
from suwen.flow import doings
from suwen.flow.run import RunReport, run
from suwen.model.region import Region

PUBLISHED, NOTHING, REFUSED, DEFECT = "published", "nothing new", "refused", "defect"
OUTCOMES = (PUBLISHED, NOTHING, REFUSED, DEFECT)


def measured_run(region: Region, *, progress: Progress = SILENT, wait: bool = False) -> RunReport:
    """The same as `run`; what it did is kept for `doings.noted(region, doings.RUN)`, also where it failed: by its kind, without its words."""
    began = now()
    outcome, report = DEFECT, None
    try:
        report = run(region, progress=progress, wait=wait)
        outcome = PUBLISHED if report.release else NOTHING
        return report
    except SuwenError:
        outcome = REFUSED
        raise
    finally:
        doings.note(region, doings.RUN, _said(doings.noted(region, doings.RUN), began, outcome, report))


def peak_memory() -> int:
    """The most bytes of memory this process has had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # kilobytes elsewhere


def _said(before: Mapping[str, Any], began: datetime, outcome: str, report: RunReport | None) -> dict[str, Any]:
    ended = now()
    runs = before.get("runs") if isinstance(before.get("runs"), dict) else {}
    said = {
        **before,
        "runs": {word: int((runs or {}).get(word, 0)) + (word == outcome) for word in OUTCOMES},
        "outcome": outcome,
        "ended_at": ended.timestamp(),
    }
    if outcome in (PUBLISHED, NOTHING):
        said["succeeded_at"] = ended.timestamp()
    if report is not None and report.release:
        changed = {"created": report.created, "removed": report.removed, "rewritten": report.rewritten}
        said["published"] = {
            "release": report.release,
            "seconds": (ended - began).total_seconds(),
            "stages": dict(report.seconds),
            "receipts": report.receipts,
            "records": report.records,
            "rows": {word: sum(of.values()) for word, of in changed.items()},
            "peak_memory": peak_memory(),
        }
    return said
