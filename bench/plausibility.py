"""How believable the simulated region is: what it holds beside what is published, as a page with charts.

python -m bench.plausibility                              the region of `suwen simulate`'s defaults; docs/simulated-region.md and its images
python -m bench.plausibility --persons 5000 --folder DIR  a small one, into another folder
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.plausible import charts_care, charts_people
from bench.plausible.figures import figures
from bench.plausible.page import IMAGES, markdown
from bench.plausible.region import simulate
from suwen.base.errors import SuwenError
from suwen.simulate.settings import Settings

DOCS = Path(__file__).parents[1] / "docs"
PAGE = "simulated-region.md"


def report(settings: Settings, folder: Path) -> dict[str, float]:
    """Simulate and write page and charts into a folder; the figures by key."""
    region = simulate(settings)
    found, images = figures(region), folder / IMAGES
    images.mkdir(parents=True, exist_ok=True)
    for draw in (charts_people.pyramid, charts_people.deaths, charts_people.births, charts_care.weeks, charts_care.seasons, charts_care.delays):
        draw(region, images)
    for draw in (charts_care.stays, charts_care.laboratory, charts_care.hospitals):
        draw(region, images)
    charts_people.nearness(found, images)
    charts_care.costs(found, region, images)
    (folder / PAGE).write_text(markdown(region, found), "utf-8")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; the exit code."""
    usual = Settings()
    parser = argparse.ArgumentParser(prog="python -m bench.plausibility", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("hospitals", "persons", "years", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(usual, name))
    parser.add_argument("--folder", type=Path, default=DOCS, help="where page and images go")
    given = parser.parse_args(arguments)
    try:
        report(Settings(hospitals=given.hospitals, persons=given.persons, years=given.years, seed=given.seed, clean=True), given.folder)
    except SuwenError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{given.folder / PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
