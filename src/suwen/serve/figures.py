"""The region's figures for a monitoring system: what is published and waits, what runs, backups and maintenance did, what the server answers.

Names are of Suwen, labels of fixed lists: no organisation, feed, person or address of a record enters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from suwen import __version__
from suwen.base.errors import SuwenError
from suwen.flow import doings
from suwen.flow.known_receipts import deliveries_in
from suwen.flow.stores import releases_of
from suwen.govern.present import present
from suwen.model.receipt import State
from suwen.model.region import Region
from suwen.repository.versions import STATES
from suwen.serve.console.landed import landed

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
REGISTRY = CollectorRegistry()
ANSWERED = Histogram("suwen_http_request_seconds", "Seconds until a request was answered", ("page", "status"), registry=REGISTRY, buckets=_BUCKETS)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)


class Figures(Collector):
    """The figures of the region this process serves, as they are when they are asked for."""

    def collect(self) -> Iterable[Metric]:
        """Every figure; those of a part that cannot be read are left out, and `suwen_readable` says so."""
        yield InfoMetricFamily("suwen", "The version that serves the region", value={"version": __version__})
        readable = GaugeMetricFamily("suwen_readable", "Whether a part of the region can be read", labels=("part",))
        region: Region | None = None
        for part, of in _PARTS:
            try:
                region = region or present().region()
                found = list(of(region))
            except (SuwenError, OSError):
                found = None
            readable.add_metric((part,), found is not None)
            yield from found or ()
        yield readable

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is depends on the region, and is not to be asked for before Django knows it."""
        return ()


def _release(region: Region) -> Iterator[Metric]:
    release = releases_of(region).latest()
    if release is None:
        return
    yield GaugeMetricFamily("suwen_release", "Number of the newest release", release.number)
    yield GaugeMetricFamily("suwen_release_published_timestamp_seconds", "When it was published", _stamp(release.published_at))
    states = Counter[str]()
    for label, records in release.totals.items():
        states[label.rsplit("|", 1)[1]] += records
    yield _by("suwen_records", "Records by what became of them, in the newest release", "state", {state: states[state] for state in STATES})
    rows = {name: state.rows for name, state in sorted(release.tables.items()) if not name.startswith("state/")}
    yield _by("suwen_rows", "Rows by table, in the newest release", "table", rows)


def _landing(region: Region) -> Iterator[Metric]:
    release = releases_of(region).latest()
    come = landed(region)
    register, lengths, published = come.register, come.register.numbers("length"), deliveries_in(release, come.register)
    decided = [number for number, state in come.states.items() if state is not State.ACCEPTED]
    waiting = ~published & ~np.isin(np.arange(1, len(published) + 1), decided)
    yield GaugeMetricFamily("suwen_deliveries", "Deliveries that have landed", len(published))
    yield GaugeMetricFamily("suwen_deliveries_waiting", "Accepted deliveries that are in no release yet", int(np.count_nonzero(waiting)))
    yield GaugeMetricFamily("suwen_receipts", "Receipts of all deliveries", len(register))
    yield GaugeMetricFamily("suwen_landed_bytes", "Bytes of all receipts", int(lengths.sum()))
    if len(register):
        last = register.table["received_at"][-1].as_py()
        yield GaugeMetricFamily("suwen_last_delivery_timestamp_seconds", "When the last delivery was received", last.timestamp())


def _runs(region: Region) -> Iterator[Metric]:
    said = doings.noted(region, doings.RUN)
    if not said:
        return
    runs = CounterMetricFamily("suwen_runs", "Runs by how they ended", labels=("outcome",))
    for outcome, number in said.get("runs", {}).items():
        runs.add_metric((outcome,), number)
    yield runs
    yield GaugeMetricFamily("suwen_run_ended_timestamp_seconds", "When the last run ended, well or not", said.get("ended_at", 0))
    yield GaugeMetricFamily("suwen_run_succeeded_timestamp_seconds", "When a run ended well for the last time", said.get("succeeded_at", 0))
    published = said.get("published")
    if published:
        yield GaugeMetricFamily("suwen_run_seconds", "Seconds of the last run that published", published["seconds"])
        yield _by("suwen_run_stage_seconds", "Its seconds by stage", "stage", published["stages"])
        yield GaugeMetricFamily("suwen_run_records", "Records it took in", published["records"])
        yield _by("suwen_run_rows", "Rows it changed", "change", published["rows"])
        yield GaugeMetricFamily("suwen_run_peak_memory_bytes", "The most memory its process had", published["peak_memory"])


def _kept(region: Region) -> Iterator[Metric]:
    backup, landing, maintained = (doings.noted(region, what) for what in (doings.BACKUP, doings.LANDING_BACKUP, doings.MAINTAIN))
    if backup:
        yield GaugeMetricFamily("suwen_backup_timestamp_seconds", "When the last backup was taken from here", backup["at"])
        yield GaugeMetricFamily("suwen_backup_release", "The newest release in it", backup["release"])
    if landing:
        yield GaugeMetricFamily("suwen_landing_backup_timestamp_seconds", "When the last backup of landing alone was taken", landing["at"])
    if maintained:
        yield GaugeMetricFamily("suwen_maintained_timestamp_seconds", "When maintenance ended for the last time", maintained["at"])
        yield GaugeMetricFamily("suwen_damaged", "What it found damaged", maintained["damaged"])
        yield GaugeMetricFamily("suwen_stored_bytes", "Bytes of lake and landing after it", maintained["bytes"])


def _by(name: str, help_text: str, label: str, values: Any) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=(label,))
    for word, number in values.items():
        family.add_metric((word,), number)
    return family


def _stamp(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


_PARTS = (("release", _release), ("landing", _landing), ("runs", _runs), ("backup and maintenance", _kept))
REGISTRY.register(Figures())
