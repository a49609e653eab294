"""A pack's own concepts (`concept/*.csv`) and the ranges of ids reserved for them above 2,000,000,000."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from suwen.base.errors import Place
from suwen.model.pack import CodeMap, LocalConcept, Pack
from suwen.model.vocabulary import DOMAINS
from suwen.packs.code_map import LARGEST_CONCEPT_ID, concept_number
from suwen.packs.problem import Problems, nearest
from suwen.packs.section import Section
from suwen.packs.table_file import Row, read_rows

CONCEPT_COLUMNS = ("concept_id", "name", "domain", "code")
RESERVED_ABOVE = 2_000_000_000
_RANGE = f"two whole numbers, first and last, from {RESERVED_ABOVE + 1} to {LARGEST_CONCEPT_ID}"


def read_range(top: Section) -> tuple[int, int] | None:
    """The `concept_ids = [first, last]` of a pack."""
    given = top.data.get("concept_ids")
    if given is None:
        return None
    if not isinstance(given, list) or len(given) != 2 or not all(isinstance(n, int) and not isinstance(n, bool) for n in given):
        top.problem("concept_ids", '"concept_ids" is not a range', expected=_RANGE)
        return None
    first, last = given
    if not RESERVED_ABOVE < first <= last <= LARGEST_CONCEPT_ID:
        top.problem("concept_ids", f"the range of concept ids {first} to {last} is not inside the reserved numbers", expected=_RANGE)
        return None
    return first, last


def read_concepts(text: str, shown: str, reserved: tuple[int, int] | None, problems: Problems) -> tuple[LocalConcept, ...]:
    """The concepts of one CSV, each inside the pack's range."""
    rows = read_rows(text, shown, {name: name for name in CONCEPT_COLUMNS}, problems)
    return tuple(found for row in rows if (found := _concept(row, reserved, problems)) is not None)


def _concept(row: Row, reserved: tuple[int, int] | None, problems: Problems) -> LocalConcept | None:
    values = row.values
    for column in CONCEPT_COLUMNS:
        if not values[column]:
            problems.add(row.place, f"the {column} is blank", expected="all four columns filled")
    domain = values["domain"]
    if domain and domain not in DOMAINS:
        problems.add(row.place, f'unknown domain "{domain}"', expected="an OMOP domain", do=nearest(domain, DOMAINS))
    number = concept_number(row, values["concept_id"], problems) if values["concept_id"] else None
    if number is None:
        return None
    if reserved is None:
        problems.add(row.place, "the pack has concepts but no range of ids", expected='"concept_ids" in pack.toml', do="reserve a range there")
    elif not reserved[0] <= number <= reserved[1]:
        problems.add(row.place, f"concept {number} is outside its pack's range", expected=f"{reserved[0]} to {reserved[1]}")
    return LocalConcept(number, values["name"], domain, values["code"], row.place)


def check_concepts(concepts: Iterable[LocalConcept], problems: Problems) -> None:
    """No concept id stands twice in a pack."""
    seen: dict[int, LocalConcept] = {}
    for concept in concepts:
        if concept.concept_id in seen:
            problems.add(concept.place, f"concept {concept.concept_id} is also declared at {seen[concept.concept_id].place}", do="give it another id")
        seen.setdefault(concept.concept_id, concept)


def check_ranges(packs: Iterable[Pack], problems: Problems) -> None:
    """No two packs reserve the same ids."""
    ranges = [pack for pack in packs if pack.concept_ids]
    for number, pack in enumerate(ranges):
        for other in ranges[:number]:
            assert pack.concept_ids and other.concept_ids
            if pack.concept_ids[0] <= other.concept_ids[1] and other.concept_ids[0] <= pack.concept_ids[1]:
                problems.add(
                    pack.place,
                    f'the range of concept ids overlaps that of pack "{other.name}"',
                    expected=f"numbers outside {other.concept_ids[0]} to {other.concept_ids[1]}",
                )


def check_mapped(code_map: CodeMap, packs: Iterable[Pack], concepts: Mapping[int, LocalConcept], table: str, problems: Problems) -> None:
    """A code map may point only to reserved ids that a pack declares."""
    ranges = [pack.concept_ids for pack in packs if pack.concept_ids]
    for entry in code_map.entries:
        number = entry.concept_id
        if number is None or number <= RESERVED_ABOVE or number in concepts:
            continue
        place = Place(table, entry.line)
        if any(first <= number <= last for first, last in ranges):
            problems.add(place, f"concept {number} is not declared by the pack that reserves it", expected="a concept in concept/*.csv")
        else:
            problems.add(place, f"concept {number} lies in no range of a pack in use", expected="a concept of a vocabulary, or of a pack in use")
