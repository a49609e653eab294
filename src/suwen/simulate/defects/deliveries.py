"""Defects of whole files and deliveries, made when everything is written and not yet packed: twice, late, missing, another hospital's, misdated, half, broken.

Files befallen are those whose records no other refers to, so that what is refused disturbs no other.
"""

from __future__ import annotations

import shutil
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from suwen.simulate.defects.catalogue import DELIVERY, FILE, Kind, kinds, sites
from suwen.simulate.defects.inject import Defects
from suwen.simulate.defects.profile import WHOLE, Profile
from suwen.simulate.defects.truth import File, Truth
from suwen.simulate.dialects.system import System
from suwen.simulate.dialects.text import Form
from suwen.simulate.draws import below, draw
from suwen.simulate.packing import zipped
from suwen.simulate.sending import Delivery, Sending

_YEAR, _DAY = timedelta(365), timedelta(1)


@dataclass(frozen=True)
class Others:
    """The feeds of each system in the region, and the days of each feed that is written here, in order."""

    feeds: Mapping[str, Sequence[str]]
    days: Mapping[str, Sequence[date]]
    systems: Mapping[str, str]  # feed -> system


def spoil_deliveries(folder: Path, found: Sequence[tuple[Delivery, System]], feeds: Mapping[str, Sequence[str]], defects: Defects) -> list[Sending]:
    """The deliveries as they are said to be sent, after some of them or their files were spoilt. A missing one's folder is gone.

    `feeds`: the feeds of each system in the whole region.
    """
    others = _others(found, feeds)
    ordered: list[Sending] = []
    for delivery, system in found:
        kind = _drawn(defects.profile, defects.seed, DELIVERY, f"delivery {delivery.folder}")
        made = _DELIVERIES[kind.name] if kind is not None and kind.in_system(system.name) else None
        told = made.sent(delivery, others) if made and (system.packed or not made.of_packed) else None
        if kind is None or made is None or told is None:
            ordered.append(Sending(delivery.as_of, False, delivery))
            for path in sorted((folder / delivery.folder).iterdir()):
                _spoil_file(path, delivery, system, defects)
            continue
        ordered.extend(told)
        if not made.records_told:
            defects.truth.forget(delivery.folder)
        defects.truth.whole(File(delivery.folder, made.on_disk(folder / delivery.folder), delivery.feed, ""), kind)
    return ordered


def _left_alone(folder: Path) -> str:
    return ""


def _removed(folder: Path) -> str:
    shutil.rmtree(folder)
    return ""


def _cut_archive(folder: Path) -> str:
    """Pack the files of a folder and leave the first half of that; the archive's name."""
    zipped(folder)
    (path,) = folder.iterdir()
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size // 2)
    return path.name


def _others(found: Sequence[tuple[Delivery, System]], feeds: Mapping[str, Sequence[str]]) -> Others:
    days: dict[str, list[date]] = {}
    for delivery, _ in found:
        days.setdefault(delivery.feed, []).append(delivery.as_of)
    return Others(
        feeds,
        {feed: sorted(held) for feed, held in days.items()},
        {delivery.feed: system.name for delivery, system in found},
    )


def _drawn(profile: Profile, seed: int, role: str, what: str) -> Kind | None:
    """The defect of a file or delivery, if it has one."""
    rated = [kind for kind in kinds().values() if kind.role == role and profile.of(kind)]
    ends = np.cumsum([profile.of(kind) for kind in rated])
    at = int(np.searchsorted(ends, below(draw(seed, f"defect of the {what}", 0), WHOLE), side="right")) if rated else 0
    return rated[at] if at < len(rated) else None


def _twice(sent: Delivery, others: Others) -> list[Sending]:
    return [Sending(sent.as_of, False, sent)] * 2


def _late(sent: Delivery, others: Others) -> list[Sending] | None:
    """Behind the next of its feed."""
    days = others.days[sent.feed]
    after = bisect_right(days, sent.as_of)
    return [Sending(days[after], True, sent)] if after < len(days) else None


def _missing(sent: Delivery, others: Others) -> list[Sending]:
    return []


def _of_another(sent: Delivery, others: Others) -> list[Sending] | None:
    """As that of the next hospital with the same system."""
    feeds = others.feeds[others.systems[sent.feed]]
    return [Sending(sent.as_of, False, replace(sent, feed=feeds[(feeds.index(sent.feed) + 1) % len(feeds)]))] if len(feeds) > 1 else None


def _misdated(sent: Delivery, others: Others) -> list[Sending]:
    return [Sending(sent.as_of, False, replace(sent, as_of=sent.as_of - _YEAR))]


def _window_late(sent: Delivery, others: Others) -> list[Sending] | None:
    """The days before sent its records too, so that nothing is missing."""
    if sent.window is None or sent.window[0] == sent.window[1]:
        return None
    return [Sending(sent.as_of, False, replace(sent, window=(sent.window[0] + _DAY, sent.window[1])))]


def _as_it_is(sent: Delivery, others: Others) -> list[Sending]:
    return [Sending(sent.as_of, False, sent)]


@dataclass(frozen=True)
class _Made:
    """What a kind makes of a delivery: what is `sent` (None: it cannot befall this one), what becomes of its folder (the file it is told of, "" for all).

    `records_told`: the defects of single records are told of too, since they arrive; `of_packed`: only what is packed can have it.
    """

    sent: Callable[[Delivery, Others], list[Sending] | None]
    on_disk: Callable[[Path], str] = _left_alone
    records_told: bool = False
    of_packed: bool = False


_DELIVERIES: Mapping[str, _Made] = {
    "delivery-twice": _Made(_twice, records_told=True),
    "delivery-late": _Made(_late, records_told=True),
    "delivery-missing": _Made(_missing, _removed),
    "delivery-of-another": _Made(_of_another),
    "delivery-misdated": _Made(_misdated),
    "window-late": _Made(_window_late, records_told=True),
    "archive-broken": _Made(_as_it_is, _cut_archive, of_packed=True),
}


def _leaves(system: System, as_of: date) -> Iterator[tuple[str, str]]:
    """(file name, kind of file) of the files whose records no other refers to."""
    for kind in system.kinds:
        if any(site.kind.role == "key" for site in sites().get((system.name, kind.name), ())):
            yield kind.file.format(date=f"{as_of:%Y%m%d}"), kind.name


def _spoil_file(path: Path, sent: Delivery, system: System, defects: Defects) -> None:
    file_kind = dict(_leaves(system, sent.as_of)).get(path.name)
    kind = None if file_kind is None else _drawn(defects.profile, defects.seed, FILE, f"file {sent.folder}/{path.name}")
    if kind is None or file_kind is None:
        return
    file = File(sent.folder, path.name, sent.feed, file_kind)
    if kind.name == "file-half":
        _halve(path, system.form, file, kind, defects.truth)
        return
    if kind.name == "file-missing" and len(list(path.parent.iterdir())) < 2:
        return
    _FILES[kind.name](path, system.form)
    defects.truth.forget(file.folder, file)
    defects.truth.whole(replace(file, file=f"bak_{path.name}") if kind.name == "file-misnamed" else file, kind)


def _halve(path: Path, form: Form, file: File, kind: Kind, truth: Truth) -> None:
    """Cut the file behind the first field of a record in its middle that has no defect of its own."""
    data, newline = path.read_bytes(), form.end
    first = data.find(newline) + len(newline)
    start = data.rfind(newline, 0, (first + len(data)) // 2) + len(newline)
    while start < len(data):
        end = data.find(newline, start) + len(newline)
        field = data.find(form.between, start, end)
        if start >= first and field >= 0 and not truth.touches(file, start, end):
            break
        start = end
    else:
        return
    cut = field + len(form.between) - form.quoted
    truth.forget(file.folder, file, cut)
    truth.whole(file, kind, record=data.count(newline, first, start) + 1, offset=start, length=cut - start)
    with path.open("r+b") as stream:
        stream.truncate(cut)


def _header(path: Path, form: Form, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Write the file again with another header."""
    data, newline = path.read_bytes(), form.end
    end = data.find(newline)
    around = b'"' if form.quoted else b""
    mark = b"\xef\xbb\xbf" if form.bom else b""
    names = data[len(mark) + len(around) : end - len(around)].split(form.between)
    path.write_bytes(mark + around + form.between.join(change(names)) + around + data[end:])


def _emptied(path: Path, form: Form) -> None:
    data, newline = path.read_bytes(), form.end
    path.write_bytes(data[: data.find(newline) + len(newline)])


def _misnamed(path: Path, form: Form) -> None:
    path.rename(path.with_name(f"bak_{path.name}"))


_FILES: Mapping[str, Callable[[Path, Form], None]] = {
    "file-misnamed": _misnamed,
    "heading-missing": lambda path, form: _header(path, form, lambda names: [*names[:-1], names[-1] + b"_OLD"]),
    "heading-twice": lambda path, form: _header(path, form, lambda names: [*names[:-1], names[0]]),
    "file-empty": _emptied,
    "file-missing": lambda path, form: path.unlink(),
}
