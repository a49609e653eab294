"""The steps of the spine's bench that make its source files; what an earlier call made by the same arguments and code is kept."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from bench import replicate
from bench.measure import Clock, Measured, bytes_of

ZONE = "America/New_York"  # of the example's organisation, in which a window counts its days


def _kept(folder: str, making: Callable[[Path], replicate.Written], said: Mapping[str, object]) -> Measured:
    """Make a folder of source files, or take it as an earlier call of the same arguments and the same code made it."""
    out = Path(folder)
    code = [Path(replicate.__file__), *sorted(replicate.SOURCE.glob("*.csv"))]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in code) + json.dumps(said, sort_keys=True).encode()).hexdigest()
    marker = out.with_name(f"{out.name}.json")
    kept = json.loads(marker.read_text("utf-8")) if marker.exists() else {}
    with Clock() as clock:
        if kept.get("key") != key:
            marker.unlink(missing_ok=True)
            shutil.rmtree(out, ignore_errors=True)
            written = making(out)
            kept = {"key": key, **asdict(written), "total": written.total, "bytes": bytes_of(out)}
            marker.write_text(json.dumps(kept), encoding="utf-8")
    return clock.measured(kept)


def rows(folder: str, rows: int, offset: int, threads: int, memory: str) -> Measured:
    """Copies of the example's people from copy `offset` on."""
    return _kept(
        folder, lambda out: replicate.replicate(replicate.SOURCE, out, rows, offset=offset, threads=threads, memory=memory), {"rows": rows, "offset": offset}
    )


def corrections(folder: str, copies: int, threads: int, memory: str) -> Measured:
    """Some days of the newest month again for all copies, every row changed."""
    return _kept(
        folder, lambda out: replicate.corrections(replicate.SOURCE, out, copies, zone=ZONE, threads=threads, memory=memory), {"copies": copies, "zone": ZONE}
    )
