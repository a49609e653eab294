"""A large Synthea region from the small example: every file that has a template, in its own proportions, its people copied under new keys.

Copy r of a row has each of its UUIDs replaced by md5(uuid || '/' || r) written as a UUID, so keys are whole, spread like real ones and agree
between files. Organisations, providers and payers are kept as they are and written once: a region has more patients, not more hospitals. Rows
stand copy by copy. Dates stay, so new copies bring rows in every month. Claims, care plans and imaging studies have no template and are left out.

    python -m bench.replicate rows FOLDER --rows 20000000            the region
    python -m bench.replicate rows FOLDER --rows 200000 --offset N   1 % new patients, where N copies stand already
    python -m bench.replicate corrections FOLDER --copies N          1 % corrected: some days of the newest month again, every row changed
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

SOURCE = Path(__file__).parent.parent / "examples" / "synthea"
SHARED = ("organizations", "providers", "payers")


@dataclass(frozen=True)
class File:
    """A file of people's rows: the columns that hold UUIDs of copies, the column with the row's day, and what a correction changes.

    `instant`: the day column is a time in UTC, else a date. `correct`: column -> SQL text of its corrected value.
    """

    name: str
    keys: tuple[str, ...]
    day: str = ""
    instant: bool = True
    correct: tuple[tuple[str, str], ...] = ()


_SECOND_LATER = "strftime(\"{0}\"::timestamp + interval 1 second, '%Y-%m-%dT%H:%M:%SZ')"
_OTHER_VALUE = 'case when "TYPE" = \'numeric\' then ("VALUE"::decimal(24, 4) + 1)::varchar else "VALUE" || \' (corrected)\' end'
FILES = (
    File("patients", ("Id",)),
    File("encounters", ("Id", "PATIENT"), "START", True, (("TOTAL_CLAIM_COST", '("TOTAL_CLAIM_COST"::decimal(18, 2) + 1)::varchar'),)),
    File("conditions", ("PATIENT", "ENCOUNTER"), "START", False, (("STOP", 'coalesce("STOP"::date + 1, "START"::date + 7)::varchar'),)),
    File("medications", ("PATIENT", "ENCOUNTER"), "START", True, (("STOP", "coalesce(" + _SECOND_LATER.format("STOP") + ', "START")'),)),
    File("procedures", ("PATIENT", "ENCOUNTER"), "START", True, (("STOP", _SECOND_LATER.format("STOP")),)),
    File("observations", ("PATIENT", "ENCOUNTER"), "DATE", True, (("VALUE", _OTHER_VALUE),)),
    File("immunizations", ("PATIENT", "ENCOUNTER"), "DATE", True, (("CODE", "\"CODE\" || '0'"),)),
    File("allergies", ("PATIENT", "ENCOUNTER"), "START", False, (("DESCRIPTION", "\"DESCRIPTION\" || ' (corrected)'"),)),
    File("devices", ("PATIENT", "ENCOUNTER"), "START", True, (("UDI", "\"UDI\" || '0'"),)),
    File("supplies", ("PATIENT", "ENCOUNTER"), "DATE", False, (("QUANTITY", '("QUANTITY"::integer + 1)::varchar'),)),
    File("payer_transitions", ("PATIENT", "MEMBERID")),
)


@dataclass(frozen=True)
class Written:
    """What was written: rows per file, the copies (first and how many), and for corrections the days they cover."""

    rows: dict[str, int]
    first_copy: int
    copies: int
    days: tuple[str, str] | None = None

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def _connect(threads: int, memory: str) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": threads, "memory_limit": memory, "preserve_insertion_order": True})


def _load(con: duckdb.DuckDBPyConnection, source: Path, names: Sequence[str]) -> dict[str, int]:
    """Each file as a table of texts with `k`, the row's number from 0; the rows of each."""
    for name in names:
        con.execute(
            f"create table {name} as select *, row_number() over () - 1 as k from read_csv($1, all_varchar = true, header = true)",
            [str(source / f"{name}.csv")],
        )
    return {name: _one(con, f"select count(*) from {name}") for name in names}


def _one(con: duckdb.DuckDBPyConnection, query: str) -> int:
    found = con.execute(query).fetchone()
    assert found is not None
    return int(found[0])


def _columns(con: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    return [str(row[0]) for row in con.execute(f"describe {name}").fetchall() if row[0] != "k"]


def _copied(columns: Sequence[str], file: File, corrected: bool) -> str:
    """The select list of a copy: keys shifted, what a correction changes changed."""
    changes = dict(file.correct) if corrected else {}
    shifted = {key: f"md5(\"{key}\" || '/' || copy)::uuid::varchar" for key in file.keys}
    return ", ".join(f'{shifted.get(c) or changes.get(c) or chr(34) + c + chr(34)} as "{c}"' for c in columns)


def _copy_out(con: duckdb.DuckDBPyConnection, file: File, rows: str, count: int, first: int, copies: int, out: Path, corrected: bool = False) -> None:
    """Write copies `first`.. of the `count` rows of the relation `rows` (numbered k from 0); the join's small side keeps the order, copy by copy."""
    columns = _copied(_columns(con, file.name), file, corrected)
    numbers = f"(select i, {first} + i // {count} as copy, i % {count} as k from range({count * copies}) as n(i))"
    con.execute(f"copy (select {columns} from {numbers} join {rows} using (k)) to '{out / file.name}.csv' (format csv, header true)")


def replicate(source: Path, out: Path, rows: int, *, offset: int = 0, threads: int = 2, memory: str = "3GiB") -> Written:
    """Write so many whole copies (from copy `offset` on) that the rows come nearest to `rows`; the shared files only where `offset` is 0."""
    out.mkdir(parents=True, exist_ok=True)
    con = _connect(threads, memory)
    counts = _load(con, source, [f.name for f in FILES])
    shared = _load(con, source, SHARED) if offset == 0 else {}
    each = sum(counts.values())
    copies = max(1, round((rows - sum(shared.values())) / each))
    for name in shared:
        (out / f"{name}.csv").write_bytes((source / f"{name}.csv").read_bytes())
    for file in FILES:
        _copy_out(con, file, file.name, counts[file.name], offset, copies, out)
    con.close()
    return Written({**shared, **{name: count * copies for name, count in counts.items()}}, offset, copies)


def corrections(
    source: Path, out: Path, copies: int, *, first: int = 0, fraction: float = 0.01, zone: str = "UTC", threads: int = 2, memory: str = "3GiB"
) -> Written:
    """Write some days of the newest month that has enough rows again, every row changed, for delivery as a window of those days.

    The days that bring the rows nearest to `fraction` of the region's. A window says what the days hold: encounters keep their keys and get a
    new version; records without a key are new ones, and the old end because the window no longer holds them. `zone` is the organisation's, in
    which days are counted.
    """
    out.mkdir(parents=True, exist_ok=True)
    con = _connect(threads, memory)
    counts = _load(con, source, [f.name for f in FILES])
    dated = [f for f in FILES if f.day]
    for file in dated:
        day = f"timezone('{zone}', \"{file.day}\"::timestamptz)::date" if file.instant else f'"{file.day}"::date'
        con.execute(f"create table {file.name}_day as select *, {day} as day from {file.name}")
    low, high = _window(con, dated, round(sum(counts.values()) * fraction))
    rows = {}
    for file in dated:
        days = f"where day between '{low}' and '{high}'"
        con.execute(f"create table w_{file.name} as select * exclude (k, day), row_number() over (order by k) - 1 as k from {file.name}_day {days}")
        rows[file.name] = _one(con, f"select count(*) from w_{file.name}")
        if rows[file.name]:
            _copy_out(con, file, f"w_{file.name}", rows[file.name], first, copies, out, corrected=True)
    con.close()
    return Written({name: count * copies for name, count in rows.items() if count}, first, copies, (low.isoformat(), high.isoformat()))


def _window(con: duckdb.DuckDBPyConnection, dated: Sequence[File], wanted: int) -> tuple[date, date]:
    """The days in a row that come nearest to the wanted rows, of the newest month that has so many; the latest of equals."""
    every = " union all ".join(f"select day from {f.name}_day" for f in dated)
    per_day: dict[date, int] = dict(con.execute(f"select day, count(*) from ({every}) group by day").fetchall())
    months = sorted({day.replace(day=1) for day in per_day}, reverse=True)
    month = next(m for m in months if sum(n for day, n in per_day.items() if day.replace(day=1) == m) >= wanted)
    days = [d for d in (month + timedelta(days=n) for n in range(31)) if d.month == month.month]
    spans = [(low, high) for high in reversed(days) for low in reversed(days) if low <= high]
    return min(spans, key=lambda span: abs(sum(n for day, n in per_day.items() if span[0] <= day <= span[1]) - wanted))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    grow, mend = commands.add_parser("rows"), commands.add_parser("corrections")
    for command in (grow, mend):
        command.add_argument("folder", type=Path)
        command.add_argument("--source", type=Path, default=SOURCE)
        command.add_argument("--threads", type=int, default=2)
        command.add_argument("--memory", default="3GiB")
    grow.add_argument("--rows", type=int, required=True)
    grow.add_argument("--offset", type=int, default=0, help="the first copy")
    mend.add_argument("--copies", type=int, required=True)
    mend.add_argument("--fraction", type=float, default=0.01)
    mend.add_argument("--zone", default="UTC", help="of the organisation")
    given = parser.parse_args()
    common = {"threads": given.threads, "memory": given.memory}
    if given.command == "rows":
        written = replicate(given.source, given.folder, given.rows, offset=given.offset, **common)
    else:
        written = corrections(given.source, given.folder, given.copies, fraction=given.fraction, zone=given.zone, **common)
    print(json.dumps({**asdict(written), "total": written.total}, indent=2))


if __name__ == "__main__":
    main()
