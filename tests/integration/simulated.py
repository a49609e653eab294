"""Simulated regions for tests: made and landed by the commands, their truth, and what the repository holds by organisation."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from suwen.cli.main import main
from suwen.flow.manifest import Listed, read_manifest
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.intake.landing import Landing


def simulate(folder: Path, hospitals: int, persons: int, *more: str) -> Path:
    """A clean region of one year."""
    assert main(["simulate", str(folder), "--hospitals", str(hospitals), "--persons", str(persons), "--years", "1", "--seed", "1", "--clean", *more]) == 0
    return folder


def listed(folder: Path, *products: str) -> Sequence[Listed]:
    """The deliveries of a simulated region; of the named products, where any is."""
    with (folder / "exports" / "feeds.csv").open(encoding="utf-8") as stream:
        feeds = {row["feed"] for row in csv.DictReader(stream) if not products or row["template"].split("/")[0] in products}
    return [one for one in read_manifest(folder / "exports" / "deliveries.csv") if one.feed in feeds]


def truth(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of one file of the truth."""
    found: list[dict[str, Any]] = pq.read_table(folder / "truth" / f"{name}.parquet").to_pylist()
    return found


def totals(folder: Path, name: str, column: str, less: str = "") -> Counter[tuple[Any, ...]]:
    """One column of the totals by organisation and day."""
    rows = truth(folder, name)
    return Counter({key: n for row in rows if (n := row[column] - (row[less] if less else 0)) for key in [(row["organisation_id"], row["day"])]})


class Held:
    """The repository's counts by organisation: which organisation a row is of tells its receipt."""

    def __init__(self, region: Path) -> None:
        opened = open_region(region)
        self.release = OpenRelease(opened)
        self._organisation = {receipt.sequence: opened.feeds[receipt.feed].organisation for receipt in Landing(opened.landing).receipts()}

    def rows(self, sql: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Rows of an answer with the column `receipt`, each with its organisation."""
        for row in self.release.query(sql).to_pylist():
            yield self._organisation[row.pop("receipt")], row

    def sums(self, sql: str) -> Counter[tuple[Any, ...]]:
        """Of an answer with the columns receipt, day, n (and what stands between): n by organisation and the others."""
        found: Counter[tuple[Any, ...]] = Counter()
        for organisation, row in self.rows(sql):
            number = row.pop("n")
            found[organisation, *row.values()] += number
        return +found if all(n >= 0 for n in found.values()) else found
