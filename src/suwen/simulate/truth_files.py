"""The files of the truth: parts of single blocks while blocks are made, at the end one Parquet file of each kind, in the order of the blocks."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from suwen.simulate.dialects.lexicon import Lexicon
from suwen.simulate.outbreaks import SHAPES
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import Block
from suwen.simulate.truth import BY_EVENT, BY_VISIT, Cases, Counts, days, links, open_visits, persons, totals_table
from suwen.simulate.world import World

PARTS = ("persons", "links", "open_visits")
TOTALS = {BY_EVENT: "totals_by_event_day", BY_VISIT: "totals_by_visit_day"}


def keep_block(parts: Path, number: int, block: Block, lexicon: Lexicon) -> None:
    """Keep what the truth holds of each person and link of a block."""
    _write(pa.concat_tables(links(block, lexicon)) if len(block.rows["patient"]) else None, _part(parts, "links", number))
    _write(persons(block, lexicon), _part(parts, "persons", number))
    _write(open_visits(block, lexicon), _part(parts, "open_visits", number))


def join_parts(parts: Path, folder: Path, blocks: int) -> None:
    """One file of each kind from those of the blocks, which are removed."""
    for kind in PARTS:
        found = [path for number in range(blocks) if (path := _part(parts, kind, number)).exists()]
        if not found:
            continue
        with pq.ParquetWriter(folder / f"{kind}.parquet", pq.read_schema(found[0]), compression="zstd") as writer:
            for path in found:
                writer.write_table(pq.read_table(path))
                path.unlink()


def write_totals(folder: Path, lexicon: Lexicon, settings: Settings, counts: Counts) -> None:
    """What happened by organisation and day."""
    for basis, name in TOTALS.items():
        _write(totals_table(counts[basis], lexicon.hospitals.codes, settings.first), folder / f"{name}.parquet")


def write_outbreaks(folder: Path, world: World, lexicon: Lexicon, cases: Cases) -> None:
    """The injected outbreaks as planned, and the cards that came of them."""
    plan = world.outbreak_truth()
    table = {
        "outbreak": plan["outbreak"],
        "condition": pa.array(lexicon.conditions.codes).take(pa.array(plan["condition"])),
        "area": pa.array(lexicon.areas.codes).take(pa.array(plan["area"])),
        "start": days(plan["start"]),
        "days": plan["days"],
        "size": plan["size"],
        "shape": pa.array(SHAPES).take(pa.array(plan["shape"])),
        "youngest": plan["youngest"],
        "oldest": plan["oldest"],
        **cases.columns(),
    }
    _write(pa.table(table), folder / "outbreaks.parquet")


def write_settings(folder: Path, settings: Settings, rows: int) -> None:
    """What was asked for, and how many rows the exports hold."""
    said = {
        "hospitals": settings.hospitals,
        "persons": settings.persons,
        "years": settings.years,
        "seed": settings.seed,
        "last_day": settings.last_day.isoformat(),
        "clean": settings.clean,
        "daily": settings.daily,
        "rows": rows,
    }
    (folder / "settings.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def _part(parts: Path, kind: str, number: int) -> Path:
    return parts / f"{kind}-{number}.parquet"


def _write(table: pa.Table | None, path: Path) -> None:
    if table is not None:
        pq.write_table(table, path, compression="zstd")
