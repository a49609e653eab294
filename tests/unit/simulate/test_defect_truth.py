"""The truth about defects holds those of many blocks as a few arrays, and tells them in the order of their places."""

from __future__ import annotations

import tracemalloc

import numpy as np

from suwen.simulate.defects.truth import File, Truth

FILES = [File(f"H{number}/his/20251231", "charges.txt", f"h{number}-his", "charges") for number in range(10)]
BLOCKS = 200


def test_defects_of_many_blocks_are_held_close_and_told_in_order() -> None:
    tracemalloc.start()
    truth = Truth()
    for block in range(BLOCKS):
        for file in FILES:
            one = np.array([block], np.int64)
            truth.add(file, one * 0, one + 1, one * 0 + 1, one * 100, one * 0 + 10, one * 0)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 300 * BLOCKS * len(FILES)
    told = list(truth.tables())
    assert [table.column("folder")[0].as_py() for table in told] == sorted(file.folder for file in FILES)
    assert all(table.column("record").to_pylist() == list(range(1, BLOCKS + 1)) for table in told)
    assert truth.touches(FILES[3], 15_005, 15_006) and not truth.touches(FILES[3], 15_010, 15_100)
    truth.forget(FILES[3].folder, FILES[3], after=1_000)
    assert sum(table.num_rows for table in truth.tables()) == BLOCKS * (len(FILES) - 1) + 10
