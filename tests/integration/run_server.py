"""A process that has imported everything and forks a child for each run, so that a run to be killed starts in no time.

Commands come as lines of JSON: {"do": what, "region": folder, ...}; each is answered by one line once its child has ended.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import pyarrow.parquet as pq
from deltalake import DeltaTable

import suwen
from suwen.base.errors import SuwenError
from suwen.engine.delta import LakeTable
from suwen.engine.duck import Engine
from suwen.engine.port import Written
from suwen.engine.releases import Releases
from suwen.flow.backup.folder import BackupFolder
from suwen.flow.backup.giving import restore
from suwen.flow.backup.taking import back_up
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.flow.upkeep.maintain import maintain
from suwen.model.region import Keep

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60  # seconds
Answer = dict[str, Any]


class Prepared:
    """The server, from the side of a test."""

    def __enter__(self) -> Prepared:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        self._process = subprocess.Popen([sys.executable, "-m", "tests.integration.run_server"], cwd=ROOT, env=environment, stdin=-1, stdout=-1, text=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate()

    def ask(self, do: str, region: Path, **more: object) -> Answer:
        """The child's answer; {"killed": true} where it was killed, {"error": ...} where it ended by SuwenError."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"do": do, "region": str(region), **more}, default=str) + "\n")
        self._process.stdin.flush()
        return cast(Answer, json.loads(self._process.stdout.readline()))

    def run(self, region: Path, **more: object) -> Answer:
        return self.ask("run", region, **more)


def wait_for(path: Path) -> None:
    """Wait until a file is there; not for ever, since a test that failed will not make it."""
    until = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} did not appear"
        time.sleep(0.01)


class Points:
    """The places of a run at which a process can die, numbered from 1 as they are passed; at `chosen`, a number or a name, this one does."""

    def __init__(self, chosen: int | str, hold: dict[str, str] | None) -> None:
        self.chosen, self.hold, self.names = chosen, hold or {}, list[str]()

    def __call__(self, name: str, torn: Callable[[], object] = lambda: None) -> None:
        """`torn`: what a death in the middle leaves behind."""
        self.names.append(name)
        if self.chosen in (name, len(self.names)):
            torn()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.hold.get("at") == name:
            Path(self.hold["here"]).touch()
            wait_for(Path(self.hold["until"]))


def watch(points: Points) -> None:
    """Also stop in the middle of writing a file, before it has its name, in the middle of making a table and of a commit."""
    copy, commit, create, naming = Engine.copy, DeltaTable.create_write_transaction, DeltaTable.create, {n: getattr(os, n) for n in ("replace", "link")}

    def half(path: Path) -> Callable[[], None]:
        return lambda: os.truncate(path, path.stat().st_size // 2)

    def copied(engine: Engine, query: Any, path: Path, **more: Any) -> Written:
        written = copy(engine, query, path, **more)
        points(f"inside file {path.parts[-4]}/{path.parts[-3]}", half(path))
        return written

    def named(function: str) -> Callable[..., None]:
        def call(source: Any, target: Any, **more: Any) -> None:
            points(f"before name {Path(target).parent.relative_to(points.lake)}", half(Path(source)))  # type: ignore[attr-defined]
            naming[function](source, target, **more)

        return call

    def committed(table: DeltaTable, *args: Any, **more: Any) -> None:
        log = Path(table.table_uri.removeprefix("file://")) / "_delta_log"
        points(f"inside commit {log.parent.parent.name}/{log.parent.name}", lambda: (log / "_commit_0b7a.json.tmp").write_text('{"protocol'))
        commit(table, *args, **more)

    def created(uri: str, *args: Any, **more: Any) -> DeltaTable:
        points(f"inside making {Path(uri).parent.name}/{Path(uri).name}", lambda: (Path(uri) / "_delta_log").mkdir(parents=True, exist_ok=True))
        return create(uri, *args, **more)

    Engine.copy, DeltaTable.create_write_transaction, DeltaTable.create = copied, committed, created  # type: ignore[method-assign,assignment]
    os.replace, os.link = named("replace"), named("link")


def watch_spilling(spilled: list[int]) -> None:
    """Note after each statement how much the engine has put aside in its scratch folder."""
    execute = Engine.execute

    def executed(engine: Engine, query: Any) -> None:
        execute(engine, query)
        spilled.append(sum(p.stat().st_size for p in engine.scratch.rglob("*") if p.is_file()))

    Engine.execute = executed  # type: ignore[method-assign]


def observed(folder: Path, with_rows: bool = True) -> Answer:
    """The newest release: what it says, and a hash over the very rows of its tables, which must not depend on how often runs died."""
    release = Releases(folder / "lake" / "releases").latest()
    if release is None:
        return {}
    rows = {}
    for name, state in sorted(release.tables.items()) if with_rows else ():
        if name.startswith("state/") and name not in ("state/disposition", "state/point_cell", "state/receipt"):
            continue  # the books tell of runs, not only of records
        found = [row for file in LakeTable(folder / "lake" / name, {}).files(state.version) for row in pq.read_table(file.path, partitioning=None).to_pylist()]
        rows[name] = [len(found), hashlib.sha256(repr(sorted(repr(sorted(r.items())) for r in found)).encode()).hexdigest()]
    said = {"number": release.number, "content": release.content, "totals": dict(release.totals), "cells": release.cells_sha256}
    return {**said, "rows": rows, "receipts": [release.receipts_through, release.receipts_held]}


def do_run(region: Path, command: Answer) -> Answer:
    points = Points(command.get("kill_at", 0), command.get("hold"))
    opened = open_region(region)
    points.lake = opened.folder  # type: ignore[attr-defined]
    if command.get("watch", True):
        watch(points)
    settings = {k: command[k] for k in ("threads", "memory") if k in command}
    opened = replace(opened, settings=replace(opened.settings, **settings))
    spilled: list[int] = []
    if "memory" in command:
        watch_spilling(spilled)
    began = time.monotonic()
    report = run(opened, step=points, wait=command.get("wait", False))
    measured = {"seconds": time.monotonic() - began, "spilled": sum(spilled)}
    return {"release": report.release, "points": points.names, **measured, "observed": observed(region, command.get("rows", True))}


def do_look(region: Path, _: Answer) -> Answer:
    return {"observed": observed(region)}


def do_read(region: Path, command: Answer) -> Answer:
    """Open the newest release again and again until told to stop, and tell what was in it each time."""
    seen: list[Answer] = []
    until = time.monotonic() + 3 * PATIENCE
    while not (region / "stop").exists() and time.monotonic() < until:
        try:
            seen.append(_content(suwen.open(region)))
        except SuwenError as error:
            if "nothing has been published" not in error.what:
                raise
        time.sleep(0.05)
    return {"seen": seen}


def do_backup(region: Path, command: Answer) -> Answer:
    points = Points(command.get("kill_at", 0), None)
    back_up(open_region(region), BackupFolder(Path(command["target"]), points))
    return {"points": points.names}


def do_restore(source: Path, command: Answer) -> Answer:
    points = Points(command.get("kill_at", 0), None)
    restore(BackupFolder(source, points), Path(command["target"]), command.get("name", ""))
    return {"points": points.names}


def do_maintain(region: Path, command: Answer) -> Answer:
    points = Points(command.get("kill_at", 0), None)
    opened = replace(open_region(region), keep=Keep(releases=1, months=0, grace_hours=0))
    points.lake = opened.folder  # type: ignore[attr-defined]
    watch(points)
    report = maintain(opened, step=points)
    return {"points": points.names, "damage": [one.what for one in report.damage]}


def do_content(region: Path, command: Answer) -> Answer:
    return _content(suwen.open(region, command.get("number")))


def _content(opened: OpenRelease) -> Answer:
    tables = [opened.table(f"cdr.{name}") for name in ("visit_occurrence", "visit_detail", "person", "measurement")]
    visits = [sorted(table.column("visit_occurrence_id").to_pylist()) for table in tables[:2]]
    rows = [sorted(repr(row) for row in table.to_pylist()) for table in tables]
    return {"number": opened.release.number, "alike": visits[0] == visits[1], "hash": hashlib.sha256(repr(rows).encode()).hexdigest()}


DOES = {"run": do_run, "look": do_look, "read": do_read, "content": do_content, "backup": do_backup, "restore": do_restore, "maintain": do_maintain}


def _child(command: Answer, answer: int) -> None:
    try:
        said = DOES[command["do"]](Path(command["region"]), command)
    except SuwenError as error:
        said = {"error": str(error), "where": str(error.where or ""), "do": error.do}
    with os.fdopen(answer, "w") as out:
        json.dump(said, out)


def _serve(command: Answer) -> Answer:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            _child(command, writing)
        except BaseException:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
            os._exit(70)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        if "kill_after" in command and not select.select([answer], [], [], command["kill_after"])[0]:
            os.kill(pid, signal.SIGKILL)
        text = answer.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status == -signal.SIGKILL:
        return {"killed": True}
    return cast(Answer, json.loads(text)) if status == 0 else {"defect": status}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(_serve(json.loads(line))), flush=True)
