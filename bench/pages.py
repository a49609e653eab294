"""How long the server takes for each page: `python -m bench.pages REGION`. Claim: at most 300 ms, the median of 50, from warm cells.

Asked of Django in one process without network, as an administrator; the first request of each page (cold) is told apart.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from bench.screenshots import pages, visitor
from suwen.flow.region import open_region, region_packs
from suwen.model.region import Region

TIMES, MOST_MS = 50, 300.0
_LINK = re.compile(r'href="(/(?:records|persons|indicators)/[^"#]+)"')


def client(region: Region) -> Any:
    """A browser in little, signed in."""
    name, _ = visitor(region, "en", "light", "measurer")
    from django.test import Client  # noqa: PLC0415 Django must know the region first

    from suwen.base.clock import now  # noqa: PLC0415
    from suwen.govern.people.accounts import account  # noqa: PLC0415
    from suwen.serve.sessions import BEGUN, SEEN  # noqa: PLC0415

    found = Client(HTTP_HOST="localhost")
    found.force_login(account(name))
    session = found.session
    session[BEGUN] = session[SEEN] = int(now().timestamp())
    session.save()
    return found


def addresses(asked: Any, region: Region) -> dict[str, str]:
    """The pages that are photographed, and those found on the way down from the first."""
    found = dict(pages(region))
    del found["missing"]
    top = next(one for one in region.organisations.values() if not one.parent).organisation_id
    found |= {f"indicator {code}": f"/indicators/{code}?unit={top}" for code in ("SV01", "QS02", "EF01", "CE02D")}
    for breakdown in region_packs(region).breakdowns:
        found[f"why by {breakdown}"] = f"/indicators/QS02/why?unit={top}&by={breakdown}"
    rows = _LINK.findall(asked.get(f"/indicators/SV01?unit={top}").content.decode().replace("&amp;", "&"))
    for name, start in (("record", "/records/"), ("person", "/persons/")):
        found |= {name: next(one for one in rows if one.startswith(start))}
    return found


def measured(asked: Any, address: str) -> tuple[float, list[float], int, int]:
    """(first, the others in ms, status, length) of one page."""
    taken, answer = [], None
    for _ in range(TIMES + 1):
        begun = time.perf_counter()
        answer = asked.get(address)
        taken.append((time.perf_counter() - begun) * 1000)
    assert answer is not None
    return taken[0], taken[1:], answer.status_code, len(answer.content)


def main() -> int:
    """Measure every page; 1 where one takes longer than is claimed."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("region", type=Path)
    region = open_region(reader.parse_args().region)
    asked, slow = client(region), 0
    print(f"{'page':24}{'first':>9}{'median':>9}{'p95':>9}{'status':>8}{'KiB':>7}")
    for name, address in addresses(asked, region).items():
        first, others, status, length = measured(asked, address)
        median, p95 = statistics.median(others), statistics.quantiles(others, n=20)[-1]
        slow += median > MOST_MS or status != 200
        print(f"{name:24}{first:9.0f}{median:9.1f}{p95:9.1f}{status:8}{length / 1024:7.0f}", flush=True)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
