"""The files of the truth: parts of single blocks while blocks are made, at the end one Parquet file of each kind, in the order of the blocks."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from suwen.simulate.defects.profile import WHOLE, Profile
from suwen.simulate.defects.truth import SCHEMA
from suwen.simulate.dialects.lexicon import Lexicon
from suwen.simulate.outbreaks import SHAPES
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import Block
from suwen.simulate.truth import BY_EVENT, BY_VISIT, Cases, Counts, days, links, open_visits, persons, totals_table
from suwen.simulate.truth_stays import Charged, clinics_table, stays
from suwen.simulate.world import World

DEFECTS = "defects"
_FOLDER = SCHEMA.get_field_index("folder")
PARTS = ("persons", "links", "open_visits", "stays")
OUTPATIENT = "outpatient"  # basis of the counts of visits that are no stays
TOTALS = {BY_EVENT: "totals_by_event_day", BY_VISIT: "totals_by_visit_day"}


def keep_block(parts: Path, number: int, block: Block, lexicon: Lexicon, sums: Charged) -> None:
    """Keep what the truth holds of each person, link and stay of a block."""
    _write(pa.concat_tables(links(block, lexicon)) if len(block.rows["patient"]) else None, part(parts, "links", number))
    _write(persons(block, lexicon), part(parts, "persons", number))
    _write(open_visits(block, lexicon), part(parts, "open_visits", number))
    _write(stays(block, lexicon, sums), part(parts, "stays", number))


def join_parts(parts: Path, folder: Path, blocks: int) -> None:
    """One file of each kind from those of the blocks, which are removed."""
    for kind in PARTS:
        found = [path for number in range(blocks) if (path := part(parts, kind, number)).exists()]
        if not found:
            continue
        with pq.ParquetWriter(folder / f"{kind}.parquet", pq.read_schema(found[0]), compression="zstd") as writer:
            for path in found:
                writer.write_table(pq.read_table(path))
                path.unlink()


def join_defects(parts: Path, folder: Path) -> None:
    """The defects of all processes in one file, a row group for each folder of the exports, in order of the folders; their files are removed."""
    found = sorted(parts.glob(f"{DEFECTS}-*.parquet"))
    groups: list[tuple[str, int, pq.ParquetFile]] = []
    for path in found:
        held = pq.ParquetFile(path)
        groups += [(held.metadata.row_group(at).column(_FOLDER).statistics.min, at, held) for at in range(held.num_row_groups)]
    if found:
        with pq.ParquetWriter(folder / f"{DEFECTS}.parquet", SCHEMA, compression="zstd") as writer:
            for _, at, held in sorted(groups, key=lambda group: group[0]):
                writer.write_table(held.read_row_group(at))
    for path in found:
        path.unlink()


def write_totals(folder: Path, lexicon: Lexicon, settings: Settings, counts: Counts) -> None:
    """What happened by organisation and day."""
    for basis, name in TOTALS.items():
        _write(totals_table(counts[basis], lexicon.hospitals.codes, settings.first), folder / f"{name}.parquet")
    _write(clinics_table(counts[OUTPATIENT], lexicon.hospitals.codes, settings.first), folder / f"{OUTPATIENT}.parquet")


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


def write_settings(folder: Path, settings: Settings, defects: Profile, rows: int) -> None:
    """What was asked for, the rates of defects, and how many rows the exports hold."""
    said = {
        "hospitals": settings.hospitals,
        "persons": settings.persons,
        "years": settings.years,
        "seed": settings.seed,
        "last_day": settings.last_day.isoformat(),
        "clean": settings.clean,
        "daily": settings.daily,
        "rows": rows,
        "defects": {kind: rate / WHOLE for kind, rate in defects.rates.items()},
    }
    (folder / "settings.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def part(parts: Path, kind: str, number: int) -> Path:
    """Where the part of a kind of truth is that a block or a process leaves."""
    return parts / f"{kind}-{number}.parquet"


def _write(table: pa.Table | None, path: Path) -> None:
    if table is not None:
        pq.write_table(table, path, compression="zstd")
