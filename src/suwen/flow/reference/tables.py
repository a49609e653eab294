"""The pages of tables: the CDM with its deviations, extension tables, events, state tables, and finding codes."""

from __future__ import annotations

from suwen.flow.reference.markdown import code, page, section, table
from suwen.model import event, state
from suwen.model.cdm import DEVIATIONS, PROVENANCE, TABLES, Column, Table
from suwen.model.extension import EXTENSION_TABLES
from suwen.model.finding import FINDINGS

_STATE = "The schema `state` holds what became of every record and what runs did. A record that `state.disposition` does not name is mapped."
_PROVENANCE = {
    "_receipt": "receipt of the source record",
    "_record": "number of the record in the receipt",
    "_template": "hash of the template and line of the target",
    "_run": "the run that wrote the row",
}


def tables_page() -> str:
    """Every table of the schemas omop, cdr and ext."""
    groups: dict[str, list[Table]] = {}
    for one in (*TABLES.values(), *EXTENSION_TABLES.values()):
        groups.setdefault(one.group, []).append(one)
    return page(
        "Tables",
        ["`omop` shows the tables of the OMOP Common Data Model 5.4 as published; `cdr` the same rows as stored, with their provenance; `ext` our own."],
        section("Where what is stored differs from what is published", *table(("what", "why"), [(d.what, d.why) for d in DEVIATIONS])),
        section("Provenance", *table(("column", "type", "meaning"), [(code(c.name), c.type, _PROVENANCE[c.name]) for c in PROVENANCE])),
        *(section(group.capitalize(), *(f"- [{one.name}](#{one.name})" for one in of_group)) for group, of_group in groups.items()),
        *(_table(one) for of_group in groups.values() for one in of_group),
        section("State tables", _STATE, *(line for name, columns in state.TABLES.items()
                for line in ("", *section(name.replace("/", "."), *table(("column", "type"), [(code(c), t) for c, t in columns.items()]), level=3)))),
    )  # fmt: skip


def _table(one: Table) -> list[str]:
    placed = f" A row lies in the month of `{one.date_column}`." if one.date_column else ""
    rows = [(code(c.name), c.type, "yes" if c.required else "", _refers(c), c.domain, " ".join(c.meaning)) for c in one.columns]
    return section(
        one.name, one.summary["en"] + placed, "", one.summary["zh"], "", *table(("column", "type", "required", "refers to", "domain", "meaning"), rows), level=3
    )


def _refers(column: Column) -> str:
    return f"{column.references[0]}.{column.references[1]}" if column.references else "key" if column.primary_key else ""


def events_page() -> str:
    """The generic columns of events, and what each becomes in the seven tables."""
    rows = [(code(g.name), g.type, *(code(g.columns.get(t, "")) for t in event.EVENT_TABLES)) for g in event.GENERIC.values()]
    defaults = [(code(d.column), d.how, code(d.source), ", ".join(d.tables) or "all", d.why) for d in event.DEFAULTS]
    return page(
        "Events",
        ["A target that is an event sets generic columns; the domain of its code's standard concept chooses the table, and without one the table it names."],
        section("Domains", *table(("domain", "table"), [*event.DOMAIN_TABLE.items(), ("any other", event.OTHER_DOMAIN_TABLE)])),
        section("Columns", "An empty cell: the table has no place for it, and it is dropped there.", "", *table(("column", "type", *event.EVENT_TABLES), rows)),
        section(
            "Promised", "An event sets at least one column of each line.", "", *(f"- {' or '.join(code(name) for name in enough)}" for enough in event.PROMISED)
        ),
        section("Defaults", "A column that is null takes what the first rule gives.", "", *table(("column", "how", "from", "tables", "why"), defaults)),
    )


def findings_page() -> str:
    """Every finding code in both languages."""
    rows = [(code(f.code), f.severity, f.stage, f.message_en, f.message_zh) for f in FINDINGS.values()]
    return page(
        "Finding codes",
        ["What may be wrong with a record, a file or a delivery. An error is not taken in; a warning is, but look at it. A code never changes its meaning."],
        table(("code", "severity", "found by", "message", "说明"), rows),
    )
