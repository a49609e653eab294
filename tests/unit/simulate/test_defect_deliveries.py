"""Defects of files and deliveries, and the profile that says how often."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from suwen.base.errors import SuwenError
from suwen.simulate.defects.catalogue import DELIVERY, FILE, kinds
from suwen.simulate.defects.profile import WHOLE, default_profile, profile_of, read_profile
from suwen.simulate.dialects.systems import SYSTEMS
from tests.unit.simulate.spoilt import Exported, exported, only, small

OF_ONE_SYSTEM = ("window-late", "archive-broken")
WHOLES = [kind.name for kind in kinds().values() if kind.role in (FILE, DELIVERY) and kind.name not in OF_ONE_SYSTEM]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    made = small(2_000)
    return exported(made, tmp_path_factory.mktemp("clean") / "all", base=made.settings.last - 30)


@pytest.mark.parametrize("kind", WHOLES)
def test_what_becomes_of_the_files(kind: str, clean: Exported, tmp_path: Path) -> None:
    made = small(2_000)
    found = exported(made, tmp_path / kind, {kind: 0.6}, base=made.settings.last - 30)
    assert len(found.truth) >= 200
    assert {row["kind"] for row in found.truth} == {kind}
    before, after = _files(clean), _files(found)
    told = {f"{row['folder']}/{row['file']}": row for row in found.truth}
    folders = {row["folder"] for row in found.truth}
    if kind == "delivery-missing":
        assert {name for name in before if name.rpartition("/")[0] not in folders} == after.keys()
        assert {one.folder for one in found.deliveries} == {one.folder for one in clean.deliveries} - folders
    elif kinds()[kind].role == DELIVERY:
        assert before == after
    else:
        same = {name for name in before if name not in told and f"{name.rpartition('/')[0]}/bak_{name.rpartition('/')[2]}" not in told}
        assert {name: before[name] for name in same} == {name: after[name] for name in same}
        for name in told.keys() & after.keys() & before.keys():
            assert before[name] != after[name]
    sent = [one for one in found.deliveries if one.folder in folders]
    if kind == "delivery-twice":
        assert len(sent) == 2 * len(folders)
    elif kind == "delivery-late":
        assert sorted(found.deliveries) == sorted(clean.deliveries)
        assert list(found.deliveries) != sorted(found.deliveries)
    elif kind == "delivery-of-another":
        assert not {(one.feed, one.folder) for one in sent} & {(one.feed, one.folder) for one in clean.deliveries}
    elif kind == "delivery-misdated":
        assert {one.as_of.year for one in sent} == {made.settings.last_day.year - 1}
    elif kind == "file-half":
        for name, row in told.items():
            assert after[name] == before[name][: row["offset"] + row["length"]]
            assert before[name].count(b"\n", 0, row["offset"]) == row["record"]


def test_windows_that_begin_late(tmp_path: Path) -> None:
    """A day late, and nothing else is other than it was."""
    made, window7 = small(2_000), [only(SYSTEMS["window7"], ["charges"])]
    clean, found = (exported(made, tmp_path / str(rates), rates, window7, made.settings.last - 60) for rates in (None, {"window-late": 0.7}))
    assert _files(found) == _files(clean)
    late = {row["folder"] for row in found.truth}
    assert len(found.truth) == len(late) >= 200
    for before, after in zip(clean.deliveries, found.deliveries, strict=True):
        first = before.window and before.window[0] + timedelta(before.folder in late)
        assert after == replace(before, window=before.window and (first, before.window[1]))
    assert {one.folder for one in clean.deliveries if one.window is None}.isdisjoint(late)


def test_broken_archives(tmp_path: Path) -> None:
    """The first half of what it was; others are whole."""
    made, modern = small(2_000), [only(SYSTEMS["modern"], ["charges", "orders"])]
    clean, found = (exported(made, tmp_path / str(rates), rates, modern, made.settings.last - 60, packed=True) for rates in (None, {"archive-broken": 0.95}))
    broken = {f"{row['folder']}/{row['file']}" for row in found.truth}
    assert len(found.truth) == len(broken) >= 200
    assert _files(found) == {name: data[: len(data) // 2] if name in broken else data for name, data in _files(clean).items()}
    assert found.deliveries == clean.deliveries


def _files(of: Exported) -> dict[str, bytes]:
    return {path.relative_to(of.folder).as_posix(): path.read_bytes() for path in of.folder.rglob("*") if path.is_file() and path.parent != of.folder}


@pytest.mark.parametrize("daily", [False, True])
def test_the_profile_of_the_package(daily: bool) -> None:
    rates = default_profile(daily=daily).rates
    assert set(rates) == {kind.name for kind in kinds().values() if daily or kind.group != "deliveries"}


def test_a_profile() -> None:
    text = "[rates]\nbroken-line = 0.25\nextra-field = 0\n\n[daily]\ndelivery-late = 1\n"
    assert profile_of(text, "p.toml", daily=True).rates == {"broken-line": WHOLE // 4, "delivery-late": WHOLE}
    assert profile_of(text, "p.toml", daily=False).rates == {"broken-line": WHOLE // 4}


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("[rates]\n\nbroken-lines = 0.1\n", 3, "unknown kind of defect 'broken-lines'.*did you mean 'broken-line'"),
        ("[rates]\nbroken-line = 1.1\n", 2, "is no rate.*from 0 to 1"),
        ("[rates]\nbroken-line = -0.1\n", 2, "is no rate"),
        ("[rates]\nbroken-line = nan\n", 2, "is no rate"),
        ("[rates]\nbroken-line = true\n", 2, "is no rate"),
        ('[rates]\n# so\n"broken-line" = "0.1"\n', 3, "is no rate"),
        ("[daily]\nextra-field = 2\n", 2, "is no rate"),
        ("[rates]\nnul-byte = 0.6\n\nextra-field = 0.6\n", 4, "together more than 1.*at most one defect"),
        ("[rates]\nfile-half = 0.6\nfile-empty = 0.6\n", 3, "a file can have are together more than 1"),
        ("[rates]\nrecord-too-long = 0.001\n", 2, "too large a rate.*at most 0.0001.*a mebibyte"),
        ("[rates]\nwindow-late = 0.1\n", 2, "here everything is sent at once.*--daily"),
        ("[rates]\ndelivery-late = 0.1\n", 2, "here everything is sent at once.*--daily"),
        ("[rates]\nextra-field = 0.1\n[daily]\nextra-field = 0.1\n", 4, "two rates"),
        ("[daily]\nextra-field = 0.1\n[rates]\nextra-field = 0.1\n", 2, "two rates"),
        ("seed = 3\n[rates]\n", 1, "'seed' is nothing that a profile has"),
        ("[rates]\n\n[more]\nextra-field = 0.1\n", 3, "'more' is nothing"),
        ("[rates]\nextra-field 0.1\n", 2, "not TOML"),
    ],
)
def test_what_a_profile_cannot_say(text: str, line: int, told: str) -> None:
    with pytest.raises(SuwenError) as error:
        profile_of(text, "p.toml", daily=False)
    assert str(error.value).startswith(f"p.toml:{line}: ")
    assert re.search(told, str(error.value), re.DOTALL)


def test_a_profile_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match="cannot be read"):
        read_profile(tmp_path / "none.toml", daily=False)
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(SuwenError, match="not UTF-8"):
        read_profile(tmp_path / "bytes.toml", daily=False)
