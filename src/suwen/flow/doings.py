"""What was done in a region lately: the last runs, backup and maintenance with figures, kept in `.suwen/` of its folder for a server to tell.

Only counts, times and words of ours: nothing of records. A file that is gone or damaged means that nothing is known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from suwen.base.atomic import written_whole
from suwen.model.region import Region

FOLDER = ".suwen"
RUN, BACKUP, LANDING_BACKUP, MAINTAIN = "run", "backup", "backup-landing", "maintain"


def note(region: Region, what: str, said: Mapping[str, Any]) -> None:
    """Keep what was done; where that fails nothing else does."""
    with suppress(OSError):
        path = _path(region, what)
        path.parent.mkdir(mode=0o750, exist_ok=True)
        with written_whole(path) as aside:
            aside.write_text(json.dumps(dict(said)), encoding="utf-8")
            os.chmod(aside, 0o640)


def noted(region: Region, what: str) -> Mapping[str, Any]:
    """What was kept; empty where nothing is known."""
    try:
        found = json.loads(_path(region, what).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _path(region: Region, what: str) -> Path:
    return region.folder / FOLDER / f"{what}.json"
