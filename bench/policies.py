"""The ways to lay out a table that the bench of layouts compares."""

from __future__ import annotations

from dataclasses import dataclass

from suwen.flow import layout


@dataclass(frozen=True)
class Policy:
    """A way to lay a table out. `rows`, `recent`: of a part, and of one of the last year; `groups`: of organisations apart; `order`: of rows within a file."""

    name: str
    rows: int = layout.ROWS
    recent: int = layout.RECENT_ROWS
    groups: int = 1
    order: tuple[str, ...] = ()
    row_group: int = 122_880


POLICIES = (
    Policy("months, as it is"),
    Policy("months, a third of the rows", rows=500_000, recent=100_000),
    Policy("months, as many in the last year", recent=layout.ROWS),
    Policy("one part", rows=1 << 40, recent=1 << 40),
    Policy("every month a part", rows=1, recent=1),
    Policy("8 groups of organisations, and months", rows=layout.ROWS // 4, recent=layout.RECENT_ROWS // 4, groups=8),
    Policy("8 groups of organisations, every month", rows=1, recent=1, groups=8),
    Policy("months; by person", order=("person_id",)),
    Policy("months; by date", order=("measurement_date",)),
    Policy("months; by organisation and date", order=("_receipt", "measurement_date")),
    Policy("months; by concept", order=("measurement_concept_id", "measurement_date")),
    Policy("months; row groups of 20,480", row_group=20_480),
    Policy("months; row groups of 491,520", row_group=491_520),
)
