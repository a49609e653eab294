"""source_to_concept_map as the repository keeps it: what the packs' code maps say, and where the vocabulary in use leads them."""

from __future__ import annotations

import hashlib
import json

from suwen.engine.sql import col, integer, read_parquet, statement, text
from suwen.flow.work import Work
from suwen.flow.written import dated, write_rows
from suwen.model.extension import ALL_TABLES
from suwen.repository.code_resolution import concept_table, map_table, source_to_concept_map
from suwen.repository.rows import MONTH, cells, lake_name

TABLE = "source_to_concept_map"
TAG = f"derived:{TABLE}"


def source_maps(work: Work) -> None:
    """Write the table anew where code maps, packs' own concepts or the vocabulary are not those of its rows; small, so always as a whole."""
    tag, files = f"{TAG}:{_made_of(work)}", work.files(lake_name(TABLE))
    old = read_parquet([f.path for f in files])
    if files and work.engine.one(statement("select min(_template) from {old} o", old=old)) == tag:
        return
    made = work.fresh("source_maps")
    maps, concepts = map_table(work.packs.code_maps.values()), concept_table(work.packs.concepts.values())
    source_to_concept_map(work.engine, vocabulary=work.vocabulary, maps=maps, concepts=concepts, into=made)
    _tell_lacking(work, f"{made}_lacking")
    if not files and not work.engine.count(made):
        return
    shape, change = ALL_TABLES[TABLE], work.change(lake_name(TABLE))
    if files:
        work.taken_out[lake_name(TABLE)] = files
        change.removed_rows += sum(f.rows for f in files)
        work.add_cells(TABLE, cells(dated(old, shape), shape, text(""), -1))
    rows = statement(
        "select m.*, 0::BIGINT as _receipt, 0::BIGINT as _record, {tag} as _template, {run}::BIGINT as _run, {month} as {name} from {made} m",
        tag=text(tag),
        run=work.number,
        month=integer(0),
        name=col(MONTH).name,
        made=made,
    )
    write_rows(work, TABLE, rows, "")


def _tell_lacking(work: Work, lacking: str) -> None:
    """MAP-022: how many codes of each map lead to what the loaded vocabulary lacks, in place of what was told before; `target` is the map."""
    work.untold.append(statement("select code = 'MAP-022'").expressions[0])
    if work.engine.count(lacking):
        name = work.fresh("finding")
        work.engine.temporary(
            name,
            statement(
                "select {run}::BIGINT as run, 'MAP-022' as code, '' as feed, '' as kind, system as target, 'target_concept_id' as column_name, "
                "0::BIGINT as receipt, codes as records, examples from {l} l",
                run=work.number,
                l=lacking,
            ),
        )
        work.findings.append(name)


def _made_of(work: Work) -> str:
    """A hash of all that the rows come from."""
    maps = sorted((m.system, m.sha256) for m in work.packs.code_maps.values())
    concepts = sorted((c.concept_id, c.domain) for c in work.packs.concepts.values())
    said = json.dumps([maps, concepts, work.vocabulary.hash if work.vocabulary else ""])
    return hashlib.sha256(said.encode()).hexdigest()[:16]
