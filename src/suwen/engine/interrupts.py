"""Ctrl+C ends a statement at once: DuckDB's client looks for signals between its own tasks only, which may never come while its other threads work."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

import duckdb

T = TypeVar("T")
_AGAIN = 0.05  # seconds between interrupts: one that comes before the statement has begun is lost


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "statement")


os.register_at_fork(after_in_child=_thread.cache_clear)  # a child has its parent's objects, but none of its threads


def interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """What `work` gives, done on the connection in another thread while the main thread waits, where signals arrive; in other threads as it is."""
    if threading.current_thread() is not threading.main_thread():
        return work()
    done = _thread().submit(work)
    try:
        return done.result()
    finally:
        while not done.done():
            connection.interrupt()
            wait([done], _AGAIN)
