"""Releases on disk: `releases/<n>.json`, put if absent, the last step of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from suwen.base.errors import Defect, SuwenError
from suwen.engine.store.folder import FolderStore
from suwen.engine.store.port import Store
from suwen.model.release import Release, TableState


class Releases:
    """The releases of a lake, by number."""

    def __init__(self, folder: Path, store: Store | None = None) -> None:
        self.folder, self.store = folder, store or FolderStore(folder)

    def numbers(self) -> list[int]:
        """All release numbers, ascending."""
        self.store.follow(self.folder)
        return sorted(int(p.stem) for p in self.folder.glob("*.json") if p.stem.isdigit()) if self.folder.is_dir() else []

    def latest(self) -> Release | None:
        numbers = self.numbers()
        return self.get(numbers[-1]) if numbers else None

    def get(self, number: int) -> Release:
        """One release; SuwenError when there is none of that number or its file is damaged."""
        path = self.folder / f"{number:08d}.json"
        try:
            raw = json.loads(self.store.read(path))
            tables = {name: TableState(**state) for name, state in raw.pop("tables").items()}
            return Release(tables=tables, **raw)
        except FileNotFoundError as error:
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

    def publish(self, release: Release, step: Callable[[str], None] = lambda _: None) -> None:
        """Put a release if its number is free; durable when this returns. `step` is told when it is written but not yet put."""
        text = json.dumps(asdict(release), ensure_ascii=False, indent=1, sort_keys=True).encode()
        self.store.still_mine()
        if not self.store.put_if_absent(self.folder / f"{release.number:08d}.json", text, lambda said: step(f"release {said}")):
            raise Defect(f"release {release.number} exists already")
