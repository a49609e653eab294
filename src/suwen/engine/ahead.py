"""Work done ahead by processes of this machine, each with a DuckDB engine of one thread: what Python reads, one process reads on one core alone.

A process is started afresh and given its work through a pipe: a fork would have DuckDB's locks without its threads, and `multiprocessing` would run the
caller's script again. It ends at once when its parent is gone, so that nothing is written under a region whose run has died.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

DONE = b"."


def ahead(work: Callable[..., None], items: Sequence[Any], *, processes: int, memory: str, scratch: Path) -> None:
    """Do `work` of an engine and an item for each item, by so many processes at most; `memory` is that of each of their engines.

    `work` is found again by its module and name. What fails, or dies, is left undone without a word.
    """
    shared, lock = iter(items), threading.Lock()
    running: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(min(processes, len(items))):
            running.append(_process(memory, scratch))
        threads = [threading.Thread(target=_attend, args=(process, work, shared, lock), name="ahead", daemon=True) for process in running]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for process in running:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was not sent to a process that is gone
                        pipe.close()


def _process(memory: str, scratch: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-P", "-m", "suwen.engine.ahead", memory, str(scratch / "ahead")]  # -P: nothing is imported from the current folder
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)


def _attend(process: subprocess.Popen[bytes], work: Callable[..., None], shared: Iterator[Any], lock: threading.Lock) -> None:
    """Give a process one item after the other, until there is none, or the process is gone."""
    assert process.stdin is not None
    assert process.stdout is not None
    while True:
        with lock:
            item = next(shared, None)
        if item is None:
            return
        try:
            pickle.dump((work, item), process.stdin)
            process.stdin.flush()
        except OSError:
            return
        if process.stdout.read(1) != DONE:
            return


def main(memory: str, scratch: str) -> None:
    """Be such a process."""
    from suwen.engine.duck import Engine  # noqa: PLC0415 that imports this

    given, told = os.fdopen(os.dup(0), "rb"), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever prints
    waiting: SimpleQueue[tuple[Callable[..., None], Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(given, waiting), daemon=True).start()
    while True:
        work, item = waiting.get()
        own = Engine(threads=1, memory=memory, scratch=Path(scratch) / uuid.uuid4().hex)
        with closing(own), suppress(Exception):  # whatever it is, it happens again where it can be told
            work(own, item)
        os.write(told, DONE)


def _listen(given: Any, waiting: SimpleQueue[tuple[Callable[..., None], Any]]) -> None:
    while True:
        try:
            waiting.put(pickle.load(given))
        except Exception:  # the end of the pipe, or what cannot be read: nobody waits for this process any more
            os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
