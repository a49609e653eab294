"""What a run that died left: commits after the last release, and files that no release names."""

from __future__ import annotations

from suwen.flow.stores import lake_of
from suwen.flow.work import Work
from suwen.model import state
from suwen.model.extension import ALL_TABLES
from suwen.model.region import Region
from suwen.repository.rows import lake_name


def take_back(work: Work) -> None:
    """Undo commits after the last release: they belong to a run that died. Raises SuwenError where a table of the release is damaged."""
    published = work.previous.tables if work.previous else {}
    # In a bucket a run that only seemed dead might publish yet, until another has its number: what it wrote is removed after that.
    decided = work.number - 1 if lake_of(work.region).remote else work.number
    for name in sorted(published.keys() | _tables_there(work.region)):
        table, state_then = work.table(name), published.get(name)
        table.check(work.files(name), state_then.rows if state_then else 0)
        if table.restore(state_then.version if state_then else -1):
            work.step(f"took back {name}")
        if table.drop_files(f"{decided:08d}-", {file.path for file in work.files(name)}):  # of runs that did not come to publish the number
            work.step(f"cleared {name}")
        work.bases[name] = table.version()


def _tables_there(region: Region) -> set[str]:
    known = {*state.TABLES, *(lake_name(t) for t in ALL_TABLES)}
    store = lake_of(region)
    there = {f"{group}/{table}" for group in {name.split("/")[0] for name in known} for table in store.folders(region.lake / group)}
    return known & there
