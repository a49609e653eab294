"""Regions for tests: one with a pack of its own, and one of an export's feeds, into which what the export sends is landed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from suwen.flow.land import land, templates_of
from suwen.flow.region import NewFeed, add_feed, create, fill, open_region
from suwen.flow.region_files import ORGANISATION_COLUMNS
from suwen.model.receipt import Delivery, Mode
from suwen.model.region import Region
from suwen.simulate.sending import Delivery as Sent

PACK = 'name = "{0}"\ntitle = {{ en = "{0}", zh = "{0}" }}\nowner = "tests"\n'


def with_pack(
    folder: Path,
    pack: str,
    template: str,
    feeds: Mapping[str, str],
    settings: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
) -> Region:
    """A region in UTC with a pack of one template, run by one thread. `feeds`: feed -> organisation; `settings`: other text for text of region.toml;
    `files`: what else is in the pack."""
    create(folder, ["core"], pack, "UTC")
    for path, text in {"pack.toml": PACK.format(pack), f"template/{pack}.toml": template, **(files or {})}.items():
        target = folder / "packs" / pack / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    said = (folder / "region.toml").read_text(encoding="utf-8")
    for before, after in {'packs = ["core"]': f'packs = ["{pack}"]', "# threads = 4": "threads = 1", **(settings or {})}.items():
        assert before in said
        said = said.replace(before, after)
    (folder / "region.toml").write_text(said, encoding="utf-8")
    region, name = open_region(folder), template.partition('name = "')[2].partition('"')[0]
    for feed, organisation in feeds.items():
        region, _ = add_feed(region, feed, name, organisation)
    return region


def of_export(folder: Path, export: Path) -> Region:
    """A region with the feeds of a simulated export."""
    region = create(folder, ["core", "cn"], "simulated", "Asia/Shanghai")
    with (export / "feeds.csv").open(encoding="utf-8") as stream:
        feeds = list(csv.DictReader(stream))
    organisations = [(feed["organisation"],) * 3 for feed in feeds]
    lines = [ORGANISATION_COLUMNS, *((*names, *[""] * (len(ORGANISATION_COLUMNS) - len(names))) for names in dict.fromkeys(organisations))]
    text = "".join(",".join(line) + "\n" for line in lines)
    return fill(region, text, [NewFeed(feed["feed"], feed["template"], feed["organisation"], feed["mode"]) for feed in feeds])


def land_all(region: Region, export: Path, sent: Iterable[Sent]) -> list[Delivery]:
    """Land deliveries in their order; the templates are read once."""
    templates = templates_of(region)
    return [land(region, one.feed, [export / one.folder], as_of=one.as_of, mode=Mode(one.mode), window=one.window, templates=templates) for one in sent]
