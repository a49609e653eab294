"""Pages of what arrives and what becomes of it: feeds, templates, releases with their ledger."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from suwen.base.errors import SuwenError
from suwen.flow import ledger
from suwen.flow.coverage import coverage
from suwen.flow.reader import OpenRelease
from suwen.flow.stores import releases_of
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import Resource
from suwen.govern.policy.decisions import allowed_units
from suwen.serve.console import standing
from suwen.serve.console.landed import landed
from suwen.serve.console.ledger_page import flows, record_balances, table_balances
from suwen.serve.console.lineage_page import kind_maps
from suwen.serve.console.views.reading import page, reading, told
from suwen.serve.gate import needs, require


@needs(Action.FEEDS)
@told
def feeds(request: HttpRequest) -> HttpResponse:
    """Every feed of the organisations that are open to the reader."""
    at = reading(request, Action.FEEDS)
    return page(request, "console/feeds.html", {"fresh": standing.freshness(landed(at.region).status, at.scope.units)}, at)


@needs(Action.FEEDS)
@told
def feed(request: HttpRequest, name: str) -> HttpResponse:
    """One feed: what its columns hold, what is made of them, and its deliveries."""
    at = reading(request, Action.FEEDS)
    held = at.region.feeds.get(name)
    require(request, Action.FEEDS, Resource(held.organisation if held else name))
    if held is None:
        raise SuwenError("there is no such feed", expected="a feed of the region")
    published = at.release
    template = published.packs.templates[held.template]
    covered = published.once(("coverage", name), lambda: coverage(published.opened, name, template))
    units = frozenset({held.organisation})  # which may begin only later, and then is in nobody's part of today's tree
    fresh = [one for one in standing.freshness(landed(at.region).status, units) if one.feed.feed == name]
    said = {
        "feed": held,
        "template": template,
        "fresh": fresh[0],
        "coverage": covered,
        "unused": sum(kind.unused for kind in covered),
        "arrivals": standing.arrivals(at.region, published.release, units, name)[:100],
    }
    return page(request, "console/feed.html", said, at)


@needs(Action.CATALOGUE)
@told
def templates(request: HttpRequest) -> HttpResponse:
    """Every template in force."""
    at = reading(request)
    using = [one.template for one in at.region.feeds.values()]
    rows = [(template, using.count(name)) for name, template in sorted(at.release.packs.templates.items())]
    return page(request, "console/templates.html", {"rows": rows}, at)


@needs(Action.CATALOGUE)
@told
def template(request: HttpRequest, name: str) -> HttpResponse:
    """One template: from source columns to columns of the repository, line by line."""
    at = reading(request)
    found = at.release.packs.templates.get(name)
    if found is None:
        raise SuwenError("there is no such template", expected="a template of the packs in use")
    kinds = at.release.once(("kinds", name), lambda: kind_maps(found))
    open_feeds = reading(request, Action.FEEDS).scope.units
    using = [one.name for one in at.region.feeds.values() if one.template == name and one.organisation in open_feeds]
    return page(request, "console/template.html", {"template": found, "kinds": kinds, "unused": sum(len(one.unused) for one in kinds), "feeds": using}, at)


@needs(Action.RELEASES)
@told
def releases(request: HttpRequest) -> HttpResponse:
    """Every release, the newest first."""
    at = reading(request)
    published = releases_of(at.region)
    rows = []
    for number in reversed(published.numbers()):
        one = published.get(number)
        tables = [state for name, state in one.tables.items() if not name.startswith("state/")]
        rows.append(
            {
                "number": one.number,
                "published_at": one.published_at,
                "receipts": one.receipts_held,
                "rows": sum(t.rows for t in tables),
                "created": sum(t.created for t in tables),
                "removed": sum(t.removed for t in tables),
            }
        )
    return page(request, "console/releases.html", {"rows": rows}, at)


@needs(Action.RELEASES)
@told
def release(request: HttpRequest, number: int) -> HttpResponse:
    """One release with its two balances, for open organisations by feed, and the moves of its run."""
    at = reading(request)
    published = releases_of(at.region)
    one = published.get(number)
    before = published.get(number - 1) if number - 1 in published.numbers() else None
    opened = OpenRelease(at.region, number)
    whole, each = record_balances(ledger.totals(opened))
    of = {name: feed.organisation for name, feed in at.region.feeds.items()}
    units = allowed_units(request.actor, Action.RELEASES)
    moved = at.release.once(("moves", number), lambda: flows(ledger.moves(opened)))
    held = {
        "shown": one,
        "states": whole.states,
        "received": whole.received,
        "bar": whole.bar,
        "rest": whole.rest,
        "feeds": [one for one in each if units is None or of.get(one.feed) in units],
        "tables": table_balances(one, before),
        "flows": moved,
    }
    return page(request, "console/release.html", held, at)
