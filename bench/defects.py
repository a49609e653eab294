"""Recall and precision of each kind of defect that reader or template must catch: `python -m bench.defects` writes docs/bench/defects.md."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.integration.defect_regions import CAUGHT, HOSPITALS, PERSONS, RATES, Measured, landed, measured

PAGE = Path(__file__).parents[1] / "docs" / "bench" / "defects.md"
ABOUT = f"""# Defects of records, and what is found of them

Written by `python -m bench.defects`; do not edit. A simulated region of {PERSONS:,} persons and {HOSPITALS} hospitals with all systems, one year, sent at
once, landed and run once, with a vocabulary that has every concept of the packs' maps. What each kind is: [Defects of a simulated
region](../guide/defects.md).

*injected*: how many records have it by the truth. *found*: those refused with its code and, where the truth names them, its target and column; of what is
taken, those that findings count by file, code, target and column. *wrong*: records or counts with its code that no defect explains. Recall is found in
injected, precision is found in found and wrong.
"""


def page(found: Sequence[Measured]) -> str:
    """The page of what was measured."""
    rows = [
        f"| `{one.kind.name}` | `{one.kind.code}` | {one.kind.state} | {one.injected:,} | {one.right:,} | {one.wrong:,} "
        f"| {one.recall:.4f} | {one.precision:.4f} |"
        for one in found
    ]
    header = ["| kind | code | state | injected | found | wrong | recall | precision |", "|---|---|---|---:|---:|---:|---:|---:|"]
    return "\n".join([ABOUT, *header, *rows]) + "\n"


def main() -> None:
    """Make the region, measure, write the page."""
    with tempfile.TemporaryDirectory() as folder:
        region = landed(Path(folder), RATES)
        PAGE.write_text(page([measured(kind, region) for kind in CAUGHT]), encoding="utf-8")


if __name__ == "__main__":
    main()
