"""The desk of what was kept out: reasons with their numbers, and records with their masked text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from suwen.flow.quarantine import HELD, Group, Kept
from suwen.govern.policy.source_masks import SourceMasks
from suwen.model.finding import FINDINGS, describe
from suwen.model.region import Region


@dataclass(frozen=True)
class Reason:
    """One reason at one place: how many records it keeps out. `text`: in words; `grave`: error, warning or info."""

    feed: str
    kind: str
    target: str
    code: str
    about: str
    records: int
    text: str
    grave: str


def reasons(groups: Iterable[Group], region: Region, units: frozenset[str], language: str) -> list[Reason]:
    """The reasons of the feeds of organisations, the most frequent first; records that wait for different parents are one."""
    sums: dict[tuple[str, str, str, str, str], int] = {}
    for one in groups:
        feed = region.feeds.get(one.feed)
        if feed is not None and feed.organisation in units:
            key = (one.feed, one.kind, one.target, one.code, "" if one.state == HELD else one.about)
            sums[key] = sums.get(key, 0) + one.records
    ordered = sorted(sums.items(), key=lambda one: (-one[1], one[0]))
    return [Reason(*key, records, in_words(key[3], language), FINDINGS[key[3]].severity if key[3] in FINDINGS else "info") for key, records in ordered]


@dataclass(frozen=True)
class Cause:
    """One finding code with every place where it keeps records out, those with the most records first."""

    code: str
    text: str
    grave: str
    places: tuple[Reason, ...]

    @property
    def records(self) -> int:
        """Records kept out by it at all its places."""
        return sum(one.records for one in self.places)

    @property
    def named(self) -> bool:
        """Whether any place names a column or rule that it is about."""
        return any(one.about for one in self.places)


def causes(found: Iterable[Reason]) -> list[Cause]:
    """Reasons by their code, the code with the most records first."""
    by_code: dict[str, list[Reason]] = {}
    for one in found:
        by_code.setdefault(one.code, []).append(one)
    made = (Cause(code, places[0].text, places[0].grave, tuple(places)) for code, places in by_code.items())
    return sorted(made, key=lambda one: (-one.records, one.code))


def in_words(code: str, language: str) -> str:
    """What a finding code says; the name of a filter's rule stands for itself."""
    return describe(code, "zh" if language == "zh" else "en") if code in FINDINGS else code


@dataclass(frozen=True)
class Shown:
    """One record of the desk: where it stands, and its line as it may be shown ("" where it cannot be read)."""

    kept: Kept
    line: str
    fields: tuple[tuple[str, str | None], ...]


def shown_records(kept: Iterable[Kept], region: Region, masks: Callable[[str], SourceMasks], *, open_identity: bool) -> list[Shown]:
    """Records with their text, masked unless identities are open; of what was not taken in anything may stand anywhere."""
    found = []
    for one in kept:
        feed = region.feeds.get(one.feed)
        if one.place is None or feed is None:
            found.append(Shown(one, "", ()))
        elif open_identity:
            found.append(Shown(one, one.place.text, tuple(one.place.texts.items())))
        else:
            mask = masks(feed.template)
            found.append(Shown(one, mask.line(one.place, mapped=False), tuple(mask.texts(one.place, mapped=False).items())))
    return found
