"""The threads of libraries beside DuckDB, which would take every core: Arrow's pools are the process's, so they are set where work begins."""

from __future__ import annotations

import pyarrow as pa


def hold(threads: int) -> None:
    """Let Arrow use so many threads for its work, and as many for reading."""
    pa.set_cpu_count(threads)
    pa.set_io_thread_count(threads)
