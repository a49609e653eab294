"""Options that many commands share, and the reading of dates, windows and modes."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from suwen.base.errors import SuwenError
from suwen.model.receipt import Mode

HERE = Path(".")
RegionOption = Annotated[Path, typer.Option("--region", metavar="DIR", help="The region's folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ReleaseOption = Annotated[int | None, typer.Option("--release", metavar="N", help="A release by its number; the newest if not given.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait while another run is at work, instead of ending.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1_000_000_000, help="Show at most so many.")]


def moment(text: str, option: str) -> datetime:
    """A date or local time in ISO form."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise SuwenError(f'"{text}" is not a date', where=option, expected="a date such as 2024-01-31, or a local time such as 2024-01-31T18:00")
    return found


def window(text: str) -> tuple[date, date]:
    """`FIRST..LAST`, both dates in ISO form."""
    first, dots, last = text.partition("..")
    try:
        return date.fromisoformat(first.strip()), date.fromisoformat(last.strip())
    except ValueError:
        wrong = "has no .. between its dates" if not dots else "is not made of two dates"
        raise SuwenError(f'"{text}" {wrong}', where="--window", expected="FIRST..LAST, such as 2024-01-01..2024-01-31") from None


def mode(text: str) -> Mode:
    """A delivery mode by its name."""
    if text not in list(Mode):
        raise SuwenError(f'unknown mode "{text}"', where="--mode", expected=" or ".join(Mode))
    return Mode(text)
