"""The bytes of two tiny regions, kept as one hash each: whatever machine the tests run on, it must make the same."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from suwen.simulate.defects.profile import Profile, default_profile
from suwen.simulate.region import Simulation
from suwen.simulate.settings import Settings


def unpacked(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a folder in order of their names, those in zips by themselves."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                yield from ((f"{name}/{member}", archive.read(member)) for member in sorted(archive.namelist()))
        elif path.is_file():
            yield name, path.read_bytes()


@pytest.mark.parametrize(
    ("daily", "expected"),
    [
        (False, "bd7620a1c8ca6c2c50168cfccfbe6e2e4a4d5ddf018e84e3dbb9bdffcc455d6a"),
        (True, "8483e689796fd1080ae57812910d26bfd662a39dd26e92746ed8e3f18fcf5e7c"),
    ],
)
def test_the_same_bytes_on_every_machine(tmp_path: Path, daily: bool, expected: str) -> None:
    """A change of what is made changes these hashes; then say so, and put in those that the message shows. Nothing else may."""
    settings = Settings(hospitals=3, persons=120, years=1, clean=not daily, daily=daily)
    Simulation(settings, default_profile(daily=True) if daily else Profile()).write(tmp_path, processes=1)
    found = hashlib.sha256()
    for name, data in unpacked(tmp_path / "exports"):
        found.update(f"{name} {len(data)} {hashlib.sha256(data).hexdigest()}\n".encode())
    assert found.hexdigest() == expected
