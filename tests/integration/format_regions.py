"""Small regions as each format of a region's folder wrote them, kept as archives for the tests of `suwen upgrade`.

`python -m tests.integration.format_regions FILE` packs one as the Suwen that runs it writes it: done once, before a format is changed.
"""

from __future__ import annotations

import io
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.govern.control import opened
from suwen.govern.policy.actions import Role
from tests.integration.small_region import deliver, make

KEPT = Path(__file__).parent / "data" / "formats"
ACCOUNT = "li.lei"
DELIVERED = [0, 1], [2]  # deliveries of small_region by run


def archives() -> dict[int, Path]:
    """The archive of each format."""
    return {int(path.name.split(".")[0]): path for path in sorted(KEPT.glob("*.tar.xz"))}


def unpacked(number: int, folder: Path) -> Path:
    """A region of a format."""
    with tarfile.open(archives()[number]) as packed:
        packed.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (folder / "region" / "secrets.toml").chmod(0o600)
    (folder / "region" / "control.db").chmod(0o600)
    return folder / "region"


def pack(target: Path) -> None:
    """Make a region and pack it."""
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside) / "region"
        make(folder)
        for numbers in DELIVERED:
            deliver(folder, numbers)
            run(open_region(folder))
        opened(open_region(folder)).add(ACCOUNT, "Li Lei", Role.VIEWER)
        shutil.rmtree(folder / "outbox")
        with tarfile.open(target, "w:xz", preset=9) as out:
            for path in sorted(p for p in folder.rglob("*") if p.is_file() or not any(p.iterdir())):
                entry = out.gettarinfo(path, f"region/{path.relative_to(folder).as_posix()}")
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = ""
                out.addfile(entry, io.BytesIO(path.read_bytes()) if path.is_file() else None)


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
