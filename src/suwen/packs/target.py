"""The second half of a template: what is made of the records (`[target.<name>]`), checked against the kinds and the model."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.model.cdm import Type
from suwen.model.extension import ALL_TABLES
from suwen.model.pack import Code, Expression, Filter, Join, Kind, Slot, Target
from suwen.packs.names import DASHED, WORD, check_name
from suwen.packs.problem import nearest
from suwen.packs.promised import column_of, event_tables, made_columns, missing_promises, referred_table, settable_columns, writable_tables
from suwen.packs.section import Section

TARGET_KEYS = ("from", "table", "event", "key", "key_system", "columns", "code", "join", "rows", "filters", "require", "priority")
_ROW = "row"


def read_targets(document: Section, kinds: Mapping[str, Kind]) -> dict[str, Target]:
    """The `[target.<name>]` tables; at least one."""
    sections = document.named_sections("target", TARGET_KEYS, required=True)
    if "target" in document.data and not document.data["target"]:
        document.problem("target", "a template without targets", expected="at least one [target.<name>]")
    targets = {}
    for name, section in sections.items():
        check_name(section, "", name, WORD)
        targets[name] = _target(name, section, kinds)
    return targets


def _target(name: str, section: Section, kinds: Mapping[str, Kind]) -> Target:
    source = section.text("from")
    kind = kinds.get(source)
    if source and kind is None:
        section.problem("from", f'target "{name}" is made from unknown kind "{source}"', do=nearest(source, kinds))
    table, event = _table(name, section)
    columns = _columns(name, section, table, event)
    key_system = section.text("key_system", required=False, default=name)
    check_name(section, "key_system", key_system, WORD)
    return Target(
        name=name,
        place=section.place(),
        source=source,
        table=table,
        event=event,
        key=_key(section),
        key_system=key_system,
        columns=columns,
        code=_code(section, event),
        joins=_joins(section, kind, kinds),
        rows=_rows(section),
        filters=_filters(section),
        require=_require(section, columns, table, event),
        priority=section.whole("priority", 100, least=0),
    )


def _table(name: str, section: Section) -> tuple[str, bool]:
    """The table and whether it is an event's; ("", False) where neither can be told."""
    given = [key for key in ("table", "event") if key in section.data]
    if len(given) != 1:
        what = f'target "{name}" has both "table" and "event"' if given else f'target "{name}" has neither "table" nor "event"'
        section.problem("event" if given else "", what, expected='"table" for a table of its own, or "event" where the code\'s domain chooses the table')
        return "", False
    event = given == ["event"]
    table, known = section.text(given[0]), event_tables() if event else writable_tables()
    if not table or table in known:
        return table, event
    if event and table in writable_tables():
        section.problem("event", f'"{table}" is not a table of events', expected=f"one of {', '.join(known)}", do='write "table" instead of "event"')
    elif table in ALL_TABLES:
        section.problem(given[0], f'table "{table}" is made by Suwen or loaded, not mapped', expected=f"one of {', '.join(known)}")
    else:
        section.problem(given[0], f'unknown table "{table}"', expected="a table of OMOP CDM 5.4 or an extension table", do=nearest(table, known))
    return "", event


def _columns(name: str, section: Section, table: str, event: bool) -> dict[str, Expression]:
    inner = section.section("columns", None, required=True)
    if inner is None:
        return {}
    columns = {key: found for key in inner.data if (found := inner.expression(key)) is not None}
    if table:
        settable, made = settable_columns(table, event), made_columns(table, event)
        what = "an event" if event else f'table "{table}"'
        for key in inner.data:
            if key in made:
                inner.problem(key, f'"{key}" is made by Suwen', expected="its id from the key, an event's concepts from its code", do="remove the line")
            elif key not in settable:
                inner.problem(key, f'{what} has no column "{key}"', do=nearest(key, settable))
        for enough in missing_promises(table, event, inner.data):
            inner.problem("", f'target "{name}" does not set "{enough[0]}", which {what} promises', expected=" or ".join(f'"{column}"' for column in enough))
    return columns


def _key(section: Section) -> tuple[Expression, ...]:
    """The key expressions; empty where the kind's own key, or a keyless record's, is meant."""
    if "key" not in section.data:
        return ()
    return tuple(Expression(text, section.place("key", number)) for number, text in enumerate(section.texts("key", required=True)))


def _code(section: Section, event: bool) -> Code | None:
    inner = section.section("code", ("code", "system"))
    if inner is None:
        return None
    if not event:
        section.problem(
            "code",
            "a code stands in a target that is not an event",
            expected='"code" only beside "event"',
            do='write "event" instead of "table", or set the concept column',
        )
    code, system = inner.expression("code", required=True), inner.expression("system", required=True)
    return Code(code, system, inner.place()) if code and system else None


def _joins(section: Section, kind: Kind | None, kinds: Mapping[str, Kind]) -> tuple[Join, ...]:
    joins = []
    for alias, inner in section.named_sections("join", ("kind", "on")).items():
        check_name(inner, "", alias, WORD)
        if alias == _ROW:
            inner.problem("", f'alias "{_ROW}" is taken by the named rows', do="choose another")
        other = inner.text("kind")
        if other and other not in kinds:
            inner.problem("kind", f'join to unknown kind "{other}"', do=nearest(other, kinds))
        joins.append(Join(alias, other, _on(inner, kind, kinds.get(other)), inner.place()))
    return tuple(joins)


def _on(inner: Section, kind: Kind | None, other: Kind | None) -> tuple[tuple[str, str], ...]:
    """The pairs of a join: own column = column of the other kind's key, all of it and nothing else."""
    on = inner.section("on", None, required=True)
    if on is None:
        return ()
    pairs = tuple((own, on.text(own)) for own in on.data)
    for own, theirs in pairs:
        if kind and own not in (*kind.columns, *kind.optional):
            on.problem(own, f'kind "{kind.name}" has no column "{own}"', do=nearest(own, (*kind.columns, *kind.optional)))
        if other and theirs and theirs not in other.key:
            on.problem(own, f'"{theirs}" is not a key column of kind "{other.name}"', expected=_whole_key(other))
    given = [theirs for _, theirs in pairs]
    if other and (set(other.key) - set(given) or len(given) != len(set(given)) or not given) and all(t in other.key for t in given):
        inner.problem("on", f'the join does not cover the key of kind "{other.name}" once', expected=_whole_key(other))
    return pairs


def _whole_key(kind: Kind) -> str:
    return f"a pair for each of {', '.join(kind.key)}" if kind.key else f'a kind with a key: "{kind.name}" has none'


def _rows(section: Section) -> tuple[Slot, ...]:
    slots: list[Slot] = []
    for inner in section.listed_sections("rows", ("name", "set")):
        name = inner.text("name")
        check_name(inner, "name", name, DASHED)
        if name and name in {slot.name for slot in slots}:
            inner.problem("name", f'two rows are named "{name}"', do="rename one: the name enters the row's id")
        parts = inner.section("set", None, required=True)
        found = {alias: e for alias in parts.data if (e := parts.expression(alias))} if parts else {}
        for alias in found:
            assert parts is not None
            check_name(parts, alias, alias, WORD)
        if parts is not None and not parts.data:
            inner.problem("set", '"set" is empty', expected="at least one alias with its expression")
        if parts is not None and slots and set(parts.data) != set(slots[0].set):
            differing = ", ".join(sorted(set(parts.data) ^ set(slots[0].set)))
            inner.problem("set", f'row "{name}" sets other aliases than row "{slots[0].name}": {differing}', expected="the same aliases in every row")
        slots.append(Slot(name, found, inner.place()))
    return tuple(slots)


def _filters(section: Section) -> tuple[Filter, ...]:
    filters: list[Filter] = []
    for inner in section.listed_sections("filters", ("rule", "keep")):
        rule, keep = inner.text("rule"), inner.expression("keep", required=True)
        check_name(inner, "rule", rule, DASHED)
        if rule and rule in {known.rule for known in filters}:
            inner.problem("rule", f'two filters of the target have the rule "{rule}"', do="rename one, or join their conditions")
        if keep:
            filters.append(Filter(rule, keep))
    return tuple(filters)


def _require(section: Section, columns: Mapping[str, Expression], table: str, event: bool) -> tuple[str, ...]:
    """Required references: columns of ids, which `suwen check` holds to be set by a ref."""
    required = section.texts("require")
    for column in required:
        if column not in columns:
            section.problem_at("require", column, f'required reference "{column}" is not set by the target', do=nearest(column, columns))
        elif table and column in settable_columns(table, event) and column_of(table, event, column).type is not Type.BIGINT:
            section.problem_at("require", column, f'required column "{column}" is not set by a ref', expected="a column that holds the id of another row")
        elif table and column in settable_columns(table, event) and referred_table(table, event, column) is None:
            section.problem_at("require", column, f'required column "{column}" does not name rows of one table', expected="a reference to one table")
    return required
