"""What `suwen.open` gives: a release, and beside its tables its indicators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.flow.answers import Answers
from suwen.flow.differences import UNIT, Difference, decompose
from suwen.flow.explanations import Explanation, explain
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.flow.value_records import CountedRecord, records
from suwen.insight.indicator.value import span
from suwen.model.indicator import Indicator, Period, Value


class IndicatorOf:
    """One indicator of a release. Periods are written `2024`, `2024-Q1`, `2024-03` or `2024-03-09`; without a unit the one at the top is meant."""

    def __init__(self, answers: Answers, code: str) -> None:
        self._answers, self.code = answers, code
        self.declared: Indicator = answers.declared(code)

    def value(self, period: str, unit: str = "") -> Value:
        """The value of a unit in a period; `value` is an exact fraction, None where it is missing."""
        return self._answers.values(self.code, [span(period)], unit=unit or self._top)[0]

    def values(self, level: str, *periods: str) -> tuple[Value, ...]:
        """The values of all units of a level in some periods."""
        return self._answers.values(self.code, [span(one) for one in periods], level=level)

    def series(self, period: str = "", unit: str = "", first: date | None = None, last: date | None = None) -> tuple[Value, ...]:
        """The values of a unit in one period after the other. `period`: day, month, quarter or year; the indicator's own if not said."""
        if period and period not in list(Period):
            raise SuwenError(f'"{period[:40]}" is no kind of period', expected=" or ".join(Period))
        return self._answers.series(self.code, unit or self._top, Period(period) if period else self.declared.period, first, last)

    def why(self, before: str, after: str, unit: str = "", by: str = UNIT) -> Difference:
        """Why the value changed between two periods, by the units below or by a breakdown."""
        return decompose(self._answers, self.code, unit or self._top, span(before), span(after), by)

    def records(self, period: str, unit: str = "", after: str = "", limit: int = 50) -> Sequence[CountedRecord]:
        """The records behind a value, those that follow the one with the key `after`."""
        return records(self._answers, self.code, unit or self._top, span(period), after=after, limit=limit)

    def explain(self) -> Explanation:
        """Definition, formula, points with their SQL, and the source columns behind them."""
        return explain(self._answers, self.code)

    @property
    def _top(self) -> str:
        return self._answers.tree.top


class Opened(OpenRelease):
    """One release of a region: its tables, and its indicators."""

    @cached_property
    def answers(self) -> Answers:
        """The door to all indicators."""
        return Answers(self)

    def indicator(self, code: str) -> IndicatorOf:
        """One indicator by its code. Raises SuwenError where no pack in use declares it."""
        return IndicatorOf(self.answers, code)


def open_release(folder: Path | str, number: int | None = None) -> Opened:
    """Open the newest release of the region in a folder, or the one of that number."""
    return Opened(open_region(Path(folder)), number)
