"""Releases on disk: `releases/<n>.json`, put if absent, the last step of a run; `releases/removed/<n>.json` tells of those taken away."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from suwen.base.errors import Defect, SuwenError
from suwen.engine.store.folder import FolderStore
from suwen.engine.store.port import Store
from suwen.model.release import Release, TableState

REMOVED = "removed"


def _release(raw: dict[str, Any]) -> Release:
    tables = {name: TableState(**state) for name, state in raw.pop("tables").items()}
    return Release(tables=tables, **raw)


class Releases:
    """The releases of a lake, by number."""

    def __init__(self, folder: Path, store: Store | None = None) -> None:
        self.folder, self.store = folder, store or FolderStore(folder)

    def numbers(self) -> list[int]:
        """All release numbers, ascending."""
        self.store.follow(self.folder, shrinks=True)
        return sorted(int(p.stem) for p in self.folder.glob("*.json") if p.stem.isdigit()) if self.folder.is_dir() else []

    def next_number(self) -> int:
        """The number of the release to be published next: none is given twice, not even that of a removed one."""
        return max([*self.numbers(), *self._gone()], default=0) + 1

    def _gone(self) -> list[int]:
        """The numbers of the releases that were removed, ascending."""
        return sorted(int(p.stem) for p in self.store.find(self.folder / REMOVED, "*.json") if p.stem.isdigit())

    def latest(self) -> Release | None:
        numbers = self.numbers()
        return self.get(numbers[-1]) if numbers else None

    def get(self, number: int) -> Release:
        """One release; SuwenError when there is none of that number or its file is damaged."""
        path = self.folder / f"{number:08d}.json"
        try:
            raw = json.loads(self.store.read(path))
            return _release(raw)
        except FileNotFoundError as error:
            if gone := self.removed(number):
                raise SuwenError(
                    f"release {number} was removed at {gone['removed_at']}: {gone['why']}",
                    where=str(self.folder),
                    expected="a release that is kept" + (f"; release {gone['same_as']} has the same content" if gone["same_as"] else ""),
                    do="suwen releases; [keep] in region.toml says which are kept",
                ) from error
            known = self.numbers()
            expected = f"one of {known[0]}..{known[-1]}" if known else "a published release"
            raise SuwenError(f"there is no release {number}", where=self.store.where(self.folder), expected=expected, do="suwen releases") from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise SuwenError(
                f"release {number} cannot be read",
                where=self.store.where(path),
                expected="a release as a run wrote it",
                do="restore the file from a backup; the newest may also be moved away, and the next run publishes it anew",
            ) from error

    def removed(self, number: int) -> Mapping[str, Any] | None:
        """What is known of a release that maintenance removed: `removed_at`, `why`, `same_as` (0: none), and the `release` itself; None for others."""
        try:
            found = json.loads(self.store.read(self.folder / REMOVED / f"{number:08d}.json"))
            return found if not self.store.exists(self.folder / f"{number:08d}.json") and {"removed_at", "why", "same_as", "release"} <= found.keys() else None
        except (OSError, ValueError, AttributeError, RecursionError):
            return None

    def remove(self, release: Release, removed_at: str, why: str, same_as: int, step: Callable[[str], None] = lambda _: None) -> None:
        """Take a release away; what is known of it stays below `removed`, so that who asks for it is told."""
        said = {"removed_at": removed_at, "why": why, "same_as": same_as, "release": asdict(release)}
        self.store.still_mine()
        self.store.put(self.folder / REMOVED / f"{release.number:08d}.json", json.dumps(said, ensure_ascii=False, sort_keys=True).encode())
        step("release noted as removed")
        self.store.remove([self.folder / f"{release.number:08d}.json"])
        step("release removed")

    def all_removed(self) -> list[tuple[Release, str]]:
        """The releases that were removed, with the time at which each was."""
        found = [gone for number in self._gone() if (gone := self.removed(number))]
        return [(_release(gone["release"]), gone["removed_at"]) for gone in found]

    def publish(self, release: Release, step: Callable[[str], None] = lambda _: None) -> None:
        """Put a release if its number is free; durable when this returns. `step` is told when it is written but not yet put."""
        text = json.dumps(asdict(release), ensure_ascii=False, indent=1, sort_keys=True).encode()
        self.store.still_mine()
        if not self.store.put_if_absent(self.folder / f"{release.number:08d}.json", text, lambda said: step(f"release {said}")):
            if not self.store.remote:
                raise Defect(f"release {release.number} exists already")
            raise SuwenError(
                f"another run has published release {release.number}; nothing of this one was published",
                where=self.store.where(self.folder),
                expected="one writer per region",
                do="run again: what this run left is taken back",
            )
