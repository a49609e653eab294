"""What the writers must know to name things: codes and names by place in the knowledge tables, each a tuple of words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from suwen.simulate.dialects.text import Words
from suwen.simulate.shapes import Ints


@dataclass(frozen=True)
class Named:
    """A knowledge table: codes and Chinese names by place, and further columns of words by name."""

    codes: Words
    names: Words
    more: Mapping[str, Words] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {len(self.codes), len(self.names), *(len(words) for words in self.more.values())}
        if len(lengths) != 1:
            raise ValueError(f"columns of different length: {sorted(lengths)}")

    def __getitem__(self, name: str) -> Words:
        return self.more[name]


@dataclass(frozen=True)
class Doctors:
    """The doctors of all hospitals, in ascending order of hospital and number; columns as in PERSON where they have one name."""

    hospital: Ints
    number: Ints
    department: Ints
    sex: Ints
    surname: Ints
    given: Ints
    title: Ints  # place in TITLES


TITLES = Named(("231", "232", "233", "234"), ("主任医师", "副主任医师", "主治医师", "医师"))


@dataclass(frozen=True)
class Lexicon:
    """All names. `systems`: the dialects of each hospital, by their names.

    More columns: `areas` postcode; `drugs` spec, unit (of the dose), pack; `items` unit (UCUM), shown (as usually written), other (another
    unit, or empty), kind ("number" or the answers parted by `|`); `vitals` unit; `procedures` level; `exams` kind; `charge_items` unit.
    `item_decimals`, `vital_decimals`: decimals of the values; `other_factor`, `other_decimals`: (numerator, denominator) from the unit to the other, and
    the decimals there, by item. `ranges`: reference ranges as low-high; `range_place`: by item, sex - 1 and age in years the place in them.
    `exam_texts`: by exam its texts, in which {side} and {size} may stand.
    """

    hospitals: Named
    systems: tuple[tuple[str, ...], ...]
    departments: Named
    doctors: Doctors
    areas: Named
    surnames: Words
    given: Words
    occupations: Named
    conditions: Named
    procedures: Named
    drugs: Named
    routes: Named
    items: Named
    item_decimals: Ints
    other_factor: tuple[tuple[int, int], ...]
    other_decimals: Ints
    ranges: Words
    range_place: Ints
    vitals: Named
    vital_decimals: Ints
    exams: Named
    exam_texts: tuple[tuple[str, ...], ...]
    fees: Named
    charge_items: Named
