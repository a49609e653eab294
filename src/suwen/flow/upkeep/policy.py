"""Which releases stay: the last so many, one a month, those that are named, and always the newest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suwen.model.region import Keep
from suwen.model.release import Release


def superseded(releases: Sequence[Release]) -> Mapping[int, int]:
    """Releases that a later one replaces with the same content in fewer files, and that one: both are of the same run."""
    newest = {release.run: release.number for release in sorted(releases, key=lambda r: r.number)}
    return {release.number: newest[release.run] for release in releases if newest[release.run] != release.number}


def kept(releases: Sequence[Release], keep: Keep) -> frozenset[int]:
    """The numbers of the releases that stay. A month is that of publication, in UTC; of the last `keep.months` months that have any."""
    replaced = superseded(releases)
    numbers = sorted(release.number for release in releases)
    last = [number for number in numbers if number not in replaced][-keep.releases :]
    of_month = {release.published_at[:7]: release.number for release in sorted(releases, key=lambda r: r.number)}
    monthly = [of_month[month] for month in sorted(of_month)[-keep.months :]] if keep.months else []
    return frozenset({*last, *monthly, *(set(keep.named) & set(numbers)), *numbers[-1:]})
