"""The region's figures for a monitoring system: what is published and waits, what runs, backups and maintenance did, what the server answers.

Names are of Suwen, labels of fixed lists: no organisation, feed, person or address of a record enters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from threading import Lock
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from suwen import __version__
from suwen.base.errors import SuwenError
from suwen.flow import doings
from suwen.flow.stores import landing_of, releases_of
from suwen.govern.present import present
from suwen.model.receipt import Delivery, State
from suwen.model.region import Region
from suwen.repository.versions import STATES

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
REGISTRY = CollectorRegistry()
ANSWERED = Histogram("suwen_http_request_seconds", "Seconds until a request was answered", ("page", "status"), registry=REGISTRY, buckets=_BUCKETS)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)


class _Landed:
    """What has landed, counted once a delivery: deliveries only grow."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._folder = ""
        self._all: list[tuple[int, int, int]] = []  # number, bytes, last receipt
        self.receipts = self.bytes = 0
        self.last: Delivery | None = None

    def of(self, region: Region) -> list[tuple[int, int, int]]:
        """(number, bytes, last receipt) of every delivery."""
        with self._lock:
            if self._folder != str(region.landing):
                self._folder, self._all, self.receipts, self.bytes, self.last = str(region.landing), [], 0, 0, None
            for delivery in landing_of(region).deliveries(self._all[-1][0] if self._all else 0):
                size = sum(receipt.length for receipt in delivery.receipts)
                self._all.append((delivery.number, size, delivery.receipts[-1].sequence))
                self.receipts += len(delivery.receipts)
                self.bytes += size
                self.last = delivery
            return list(self._all)


_LANDED = _Landed()


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
    landed = _LANDED.of(region)
    decided = landing_of(region).states()
    through, left_out = (release.receipts_through, set(release.left_out)) if release else (0, set[int]())
    waits = sum(last > through or last in left_out for number, _, last in landed if decided.get(number, State.ACCEPTED) is State.ACCEPTED)
    yield GaugeMetricFamily("suwen_deliveries", "Deliveries that have landed", len(landed))
    yield GaugeMetricFamily("suwen_deliveries_waiting", "Accepted deliveries that are in no release yet", waits)
    yield GaugeMetricFamily("suwen_receipts", "Receipts of all deliveries", _LANDED.receipts)
    yield GaugeMetricFamily("suwen_landed_bytes", "Bytes of all receipts", _LANDED.bytes)
    if _LANDED.last is not None:
        yield GaugeMetricFamily("suwen_last_delivery_timestamp_seconds", "When the last delivery was received", _LANDED.last.received_at.timestamp())


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
    backup, maintained = doings.noted(region, doings.BACKUP), doings.noted(region, doings.MAINTAIN)
    if backup:
        yield GaugeMetricFamily("suwen_backup_timestamp_seconds", "When the last backup was taken from here", backup["at"])
        yield GaugeMetricFamily("suwen_backup_release", "The newest release in it", backup["release"])
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
