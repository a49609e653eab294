"""What the repository of a simulated region holds, beside the truth that the simulator counted.

python examples/against_truth.py DIR    DIR as made by `suwen simulate`, landed and run
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

import suwen
from suwen.flow.reader import OpenRelease

TRUTH = """
    select sum(visits_outpatient + visits_emergency + visits_observation + visits_inpatient + visits_day_case + visits_check_up) as visits,
        sum(diagnoses - diagnoses_untold) as diagnoses, sum(procedures - procedures_untold) as procedures,
        sum(drugs) as drugs, sum(results + vital_signs) as measurements, sum(charges) as charges
    from read_parquet($1)"""
HELD = {
    "visits": "visit_occurrence",
    "diagnoses": "condition_occurrence",
    "procedures": "procedure_occurrence",
    "drugs": "drug_exposure",
    "measurements": "measurement",
    "charges": "cost",
}


def main(folder: Path) -> None:
    """Print each count of the truth, of the release, and the difference; without defects only the humans differ."""
    truth = folder / "truth"
    counts = duckdb.execute(TRUTH, [str(truth / "totals_by_event_day.parquet")])
    told = dict(zip([name for name, *_ in counts.description or ()], counts.fetchall()[0], strict=True))
    patients, humans = duckdb.execute("select count(*), count(distinct person) from read_parquet($1)", [str(truth / "links.parquet")]).fetchall()[0]
    release = suwen.open(folder / "region")
    print(f"{'':<34}{'truth':>10}{'repository':>12}{'difference':>12}")
    for name, table in HELD.items():
        _line(name, told[name], _count(release, f"select count(*) from cdr.{table}"))
    _line("patients of hospitals", patients, _count(release, "select count(*) from cdr.person"))
    (findable,) = duckdb.execute("select sum(masters) from read_parquet($1)", [str(truth / "persons.parquet")]).fetchall()[0]
    masters = _count(release, "select count(*) from omop.person")
    _line("humans that resident ids can tell", findable, masters)
    _line("humans in truth", humans, masters)


def _count(release: OpenRelease, sql: str) -> int:
    return int(release.query(sql).column(0)[0].as_py())


def _line(name: str, truth: int, held: int) -> None:
    print(f"{name:<34}{truth:>10,}{held:>12,}{held - truth:>12,}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
