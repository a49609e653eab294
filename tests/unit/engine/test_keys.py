"""Numbers that stand more than once in some files, found alike at once and in ranges."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.base.errors import SuwenError
from suwen.engine.keys import repeated

KEYS = st.none() | st.integers(0, 2**63 - 1) | st.integers(0, 5) | st.sampled_from([2**63 - 1, 2**62, 2**62 - 1])


def files(folder: Path, *pieces: list[int | None]) -> list[str]:
    paths = [folder / f"{at}.parquet" for at in range(len(pieces))]
    for path, piece in zip(paths, pieces, strict=True):
        pq.write_table(pa.table({"other": pa.array(["x"] * len(piece), pa.string()), "key": pa.array(piece, pa.int64())}), path, row_group_size=3)
    return [str(path) for path in paths]


@given(st.lists(st.lists(KEYS, max_size=12), max_size=4), st.integers(1, 20))
def test_as_counted_by_hand(tmp_path_factory: pytest.TempPathFactory, pieces: list[list[int | None]], at_once: int) -> None:
    paths = files(tmp_path_factory.mktemp("keys"), *pieces)
    counts = Counter(key for piece in pieces for key in piece if key is not None)
    found = repeated(paths, "key", at_once=at_once)
    assert found.schema == pa.schema([("key", pa.int64())])
    assert sorted(found["key"].to_pylist()) == sorted(key for key, count in counts.items() if count > 1)
    assert repeated(paths, "key")["key"].to_pylist() == sorted(found["key"].to_pylist()), "in ranges as all at once"


def test_nothing_is_repeated_in_nothing(tmp_path: Path) -> None:
    assert repeated([], "key").num_rows == 0
    assert repeated(files(tmp_path, [], [None, None]), "key").num_rows == 0


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (path,) = files(tmp_path, [1, 1])
    Path(path).write_bytes(b"PAR1")
    with pytest.raises(SuwenError, match=r"0\.parquet"):
        repeated([path], "key")
