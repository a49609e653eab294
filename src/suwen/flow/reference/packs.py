"""The pages of packs: what each holds, every template with its examples, every code map with its codes."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.flow.reference.markdown import code, page, section, table
from suwen.model.pack import CodeMap, CodeMapEntry, Example, Kind, Source, Target, Template
from suwen.packs.loader import Packs


def file_name(name: str) -> str:
    """The name of the page of a template or code map."""
    return name.replace("/", "-") + ".md"


def packs_page(packs: Packs) -> str:
    """What comes with Suwen."""
    parts = []
    for pack in packs.packs.values():
        ids = f"Own concepts from {pack.concept_ids[0]} to {pack.concept_ids[1]}." if pack.concept_ids else "No concepts of its own."
        templates = [(f"[{name}](template/{file_name(name)})", t.title["en"], t.title["zh"], t.source.standing) for name, t in pack.templates.items()]
        maps = [
            (f"[{name}](code-map/{file_name(name)})", m.title["en"], m.title["zh"], len(m.entries), m.source.standing) for name, m in pack.code_maps.items()
        ]
        indicators = [(f"[{code_}](indicator/{code_}.md)", i.title["en"], i.title["zh"], i.source.standing) for code_, i in sorted(pack.indicators.items())]
        concepts = [(c.concept_id, c.name, c.domain, code(c.code)) for c in pack.concepts]
        said = [f"{pack.title['en']} · {pack.title['zh']}. Owner: {pack.owner}. {ids}"]
        for title, columns, rows in (
            ("Templates", ("template", "title", "标题", "standing"), templates),
            ("Code maps", ("code map", "title", "标题", "codes", "standing"), maps),
            ("Indicators", ("indicator", "name", "名称", "standing"), indicators),
            ("Concepts", ("concept", "name", "domain", "code"), concepts),
        ):
            said += ["", *section(title, *table(columns, rows), level=3)] if rows else []
        parts.append(section(pack.name, *said))
    return page("Packs", ["A pack is a folder of declarations. These come with Suwen; a region lays its own over them."], *parts)


def template_page(template: Template) -> str:
    """One template: how it reads, what it makes of it, and its examples."""
    reader = template.reader
    read = [
        ("delimiter", code(reader.delimiter) or "found out"),
        ("quote", code(reader.quote) or "found out"),
        ("encoding", reader.encoding or "found out"),
        ("header", "the first line names the columns" if reader.header else "none: columns in the order below"),
        ("skipped lines", reader.skip_lines),
        ("no value", ", ".join(code(text) for text in reader.null if text) or "the empty text"),
    ]
    return page(
        template.name,
        [f"{template.title['en']} · {template.title['zh']}. Owner: {template.owner}."],
        [said_source(template.source)],
        section("How files are written", *table(("", ""), read)),
        section("Kinds of records", *(line for kind in template.kinds.values() for line in (*_kind(kind), ""))),
        section("What is made of them", *(line for target in template.targets.values() for line in (*_target(target), ""))),
        section("Examples", *(line for example in template.examples for line in (*_example(example), ""))),
    )


def code_map_page(code_map: CodeMap) -> str:
    """One code map with all its codes."""
    rows = [(code(e.source_code), e.source_name, _meant(e)) for e in code_map.entries]
    return page(
        code_map.system,
        [f"{code_map.title['en']} · {code_map.title['zh']}. Owner: {code_map.owner}."],
        [said_source(code_map.source)],
        table(("code", "name", "concept"), rows),
    )


def _meant(entry: CodeMapEntry) -> str:
    return str(entry.concept_id) if entry.concept_id is not None else f"{entry.vocabulary} {entry.code}"


def said_source(source: Source) -> str:
    """Where a declaration comes from, in one line."""
    return f"Source: {source.citation}; version {source.version}; {source.standing}."


def _kind(kind: Kind) -> list[str]:
    said = [("files", ", ".join(code(p) for p in kind.files)), ("columns", ", ".join(code(c) for c in kind.columns))]
    said += [("columns that may be missing", ", ".join(code(c) for c in kind.optional))] if kind.optional else []
    said.append(("key", ", ".join(code(c) for c in kind.key) or "none: a record is known by its content"))
    for name, expression in (("order of versions", kind.version), ("withdrawn when", kind.tombstone), ("day for windows", kind.window)):
        said += [(name, code(expression.text))] if expression else []
    return section(kind.name, *table(("", ""), said), level=3)


def _target(target: Target) -> list[str]:
    what = f"an event, in `{target.table}` where no domain decides" if target.event else f"a row of `{target.table}`"
    said = [f"From {target.source}: {what}."]
    said += [f"Key: {', '.join(code(e.text) for e in target.key)}, key system {code(target.key_system or target.name)}."] if target.key else []
    said += [f"Joins {code(j.alias)}: {j.kind}, on {', '.join(f'{code(a)} = {code(b)}' for a, b in j.on)}." for j in target.joins]
    said += [f"Row {code(s.name)}: {', '.join(f'{code(alias)} = {code(e.text)}' for alias, e in s.set.items())}." for s in target.rows]
    said += [f"Only where {code(f.keep.text)} (rule `{f.rule}`)." for f in target.filters]
    said += [f"Code: {code(target.code.code.text)} in the system {code(target.code.system.text)}."] if target.code else []
    said += [f"Held without: {', '.join(code(name) for name in target.require)}."] if target.require else []
    spaced = [line for one in said for line in (one, "")]
    return section(target.name, *spaced, *table(("column", "expression"), [(code(name), code(e.text)) for name, e in target.columns.items()]), level=3)


def _example(example: Example) -> list[str]:
    said: list[str] = []
    for title, rows in (("Given", example.given), ("Expected", example.expect)):
        for name, held in rows.items():
            said += ["", f"{title}: {name}", "", *rows_table(held)]
    return section(example.name, *said[1:], level=3)


def rows_table(rows: tuple[Mapping[str, str | None], ...]) -> list[str]:
    """Rows of an example, null as an empty cell."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return (
        table(columns, [[code(row.get(column) or "") if row.get(column) is not None else "" for column in columns] for row in rows]) if rows else ["(no rows)"]
    )
