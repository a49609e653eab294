"""Which small files a run makes one: few are left however many days have passed, and no row is written again often."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from suwen.engine.delta import DataFile
from suwen.flow.merging import AT_ONCE, FANOUT, SMALLEST, affordable, due, tier
from suwen.flow.upkeep.grouping import LARGE, MOST


def file(number: int, size: int, part: str = "202401") -> DataFile:
    return DataFile(f"{part}/{number:08d}.parquet", size, size, part, (number, number))


def test_tiers_begin_at_multiples() -> None:
    edges = [0, SMALLEST, SMALLEST * FANOUT - 1, SMALLEST * FANOUT, SMALLEST * FANOUT**2 - 1, SMALLEST * FANOUT**2]
    assert [tier(size) for size in edges] == [0, 0, 0, 1, 1, 2]


def test_a_tier_is_made_one_when_it_is_full_and_no_other() -> None:
    small = [file(n, 1_000) for n in range(FANOUT)]
    medium = [file(100 + n, SMALLEST * FANOUT) for n in range(FANOUT - 1)]
    other = [file(200 + n, 1_000, "202402") for n in range(FANOUT - 1)]
    large = [file(300 + n, LARGE) for n in range(2 * FANOUT)]
    assert not due([*small[1:], *medium, *other, *large])
    (group,) = due(reversed([*small, *medium, *other, *large]))
    assert group.part == "202401" and list(group.files) == small and group.rows == 8_000


def test_large_files_are_made_one_up_to_the_size_of_a_file_and_a_run_does_no_more_than_that() -> None:
    groups = due(file(n, LARGE - 1) for n in range(FANOUT))
    assert len(groups) == 2 and all(group.bytes <= MOST for group in groups)
    small = [("cdr/a", group) for n in range(9) for group in due(file(n * 100 + k, 1_000, f"2024{n + 1:02d}") for k in range(FANOUT + n % 2))]
    chosen = affordable([("cdr/b", groups[0]), ("cdr/b", groups[1]), *small], MOST)
    assert len(chosen) == AT_ONCE and all(len(group.files) == FANOUT + 1 for _, group in chosen[:4])
    assert affordable([("cdr/b", group) for group in groups], 2 * MOST) == [("cdr/b", groups[0])]
    assert affordable([("cdr/b", group) for group in groups], 1 << 20) == []
    assert affordable([("cdr/b", groups[0]), small[0]], 1 << 20) == [small[0]]


@given(st.integers(500, 4_000_000), st.integers(1, 400))
def test_after_many_days_few_files_are_left_and_no_byte_was_written_often(size: int, days: int) -> None:
    files: list[DataFile] = []
    rewritten = total = 0
    for day in range(days):
        files.append(file(day, size + day % 7))
        total += size + day % 7
        for group in due(files):
            rewritten += group.bytes
            files = [one for one in files if one not in group.files]
            files.append(DataFile(f"m{day}-{group.bytes}", group.rows, group.bytes, group.part, (group.files[0].receipts or (0, 0))))
    tiers = tier(LARGE) + 1
    within = [one for one in files if one.bytes < LARGE]
    assert sum(one.bytes for one in files) == total and len(within) < FANOUT * tiers
    lowest = SMALLEST * FANOUT  # bytes up to which the lowest tier is written again each time it is full
    assert rewritten <= total * (tiers + 1) + days // (FANOUT - 1) * lowest
