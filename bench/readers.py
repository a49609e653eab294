"""Readers together: how a served region answers many at once, by pages and API, while a run publishes the next release."""

from __future__ import annotations

import argparse
import csv
import http.client
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlencode

from bench.measure import ROOT, environment, machine

PASSWORD = "many-readers-at-once-42"
ACCOUNTS = 20  # readers share them, as programs share a token
PAGES = ("/", "/indicators/{code}?unit={unit}&period={period}", "/organisations/{unit}", "/releases", "/feeds", "/glossary")
API = (
    "/api/v1/indicators/{code}/values?unit={unit}&period={period}",
    "/api/v1/indicators/{code}/series?unit={unit}",
    "/api/v1/indicators/{code}/values?level=hospital&period={period}&format=csv",
    "/api/v1/tables/cdr.measurement/rows?limit=100",
    "/api/v1/tables/ext.ext_visit/rows?format=arrow",
    "/api/v1/organisations",
)
_AFTER = 3.0  # seconds that the next release is read at least
CODES = ("SV01", "SV02", "CE02D", "QS02")
_RELEASE = re.compile(rb'"release": ?([0-9]+)')


@dataclass
class Seen:
    """What one reader saw: seconds by kind of address, answers that were none, releases in the order in which they were read."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    releases: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Entrance:
    """How a reader gets in: the cookie of a session, and a token."""

    cookie: str
    token: str


def suwen(*arguments: object) -> None:
    """Run a command of Suwen to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "suwen.cli.main", *map(str, arguments)], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"suwen {arguments[0]} ended with exit code {done.returncode}: {done.stderr[-2_000:]}")


def made(folder: Path, hospitals: int, persons: int) -> Path:
    """A region whose first release lacks the last delivery; gives the manifest of all of them."""
    suwen("simulate", folder, "--hospitals", hospitals, "--persons", persons, "--years", 1, "--seed", 1)
    manifest = folder / "exports" / "deliveries.csv"
    lines = manifest.read_text("utf-8").splitlines()
    first = manifest.with_name("first.csv")
    first.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    suwen("land", "--manifest", first, "--region", folder / "region")
    suwen("run", "--region", folder / "region")
    return manifest


def accounts(region: Path) -> list[str]:
    """Analysts of the whole region with PASSWORD, and a token of each; made in a process of its own."""
    code = f"""
import json
from datetime import timedelta
from pathlib import Path
from suwen.flow.region import open_region
from suwen.govern.control import opened
opened(open_region(Path({str(region)!r})))
from suwen.govern.people import accounts
from suwen.govern.people.tokens import SCOPES, make_token
from suwen.govern.policy.actions import Role
found = []
for number in range({ACCOUNTS}):
    user, _ = accounts.add(f"reader{{number}}", "bench")
    user.set_password({PASSWORD!r})
    user.must_change_password = False
    user.save()
    accounts.bind(user, Role.ANALYST, "", "bench")
    found.append(make_token(user, "bench", SCOPES, timedelta(days=1))[1])
print(json.dumps(found))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def served(region: Path) -> Iterator[tuple[int, int]]:
    """`suwen serve` on a free port: (port, process id)."""
    command = [sys.executable, "-u", "-m", "suwen.cli.main", "serve", "--region", str(region), "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        line = next(line for line in process.stdout if "served at" in line)
        yield int(re.findall(r":([0-9]+)", line)[-1]), process.pid
    finally:
        process.terminate()
        process.wait(30)


def entered(port: int, name: str, token: str) -> Entrance:
    """Sign in as a browser does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", "/sign-in")
    answer = connection.getresponse()
    form = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', answer.read().decode())
    cookies = _cookies(answer)
    assert form
    body = urlencode({"name": name, "password": PASSWORD, "csrfmiddlewaretoken": form.group(1)})
    connection.request("POST", "/sign-in", body, {"Content-Type": "application/x-www-form-urlencoded", "Cookie": _joined(cookies)})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 302, answer.status
    return Entrance(_joined({**cookies, **_cookies(answer)}), token)


def _cookies(answer: http.client.HTTPResponse) -> dict[str, str]:
    pairs = (value.partition(";")[0].partition("=") for name, value in answer.getheaders() if name == "Set-Cookie")
    return {name: value for name, _, value in pairs}


def _joined(cookies: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def read(number: int, port: int, entrance: Entrance, units: Sequence[str], until: float, pause: float, published: Sequence[float]) -> Seen:
    """One reader: asks for pages and API in turn, each in an order of its own, until the time is over and the next release has been there for a while."""
    seen, at = Seen(), number
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    while time.perf_counter() < until or not published:
        form = (PAGES if at % 2 else API)[at // 2 % 6]
        path = form.format(code=CODES[at % len(CODES)], unit=units[at % len(units)], period=("2025", "2025-Q2", "2025-03")[at % 3])
        _ask(connection, path, form, entrance, seen)
        at += 1
        time.sleep(pause)
    connection.close()
    return seen


def _ask(connection: http.client.HTTPConnection, path: str, form: str, entrance: Entrance, seen: Seen) -> None:
    headers = {"Authorization": f"Bearer {entrance.token}"} if path.startswith("/api/") else {"Cookie": entrance.cookie}
    began = time.perf_counter()
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        seen.errors.append(f"{form}: {type(error).__name__}")
        connection.close()
        return
    seen.seconds.setdefault(form, []).append(time.perf_counter() - began)
    if answer.status != 200:
        seen.errors.append(f"{form}: {answer.status}")
    elif named := answer.getheader("X-Suwen-Release") or ((found := _RELEASE.search(body)) and found.group(1)):
        seen.releases.append(int(named))


@dataclass(frozen=True)
class Found:
    """All that was measured."""

    seen: Sequence[Seen]
    seconds: float
    published: float  # seconds from the start of reading until the run had ended
    peak: int  # bytes, of the server

    @property
    def errors(self) -> list[str]:
        """Answers that were none, and readers who saw a release go back."""
        back = [f"release {b} after {a}" for one in self.seen for a, b in zip(one.releases, one.releases[1:], strict=False) if b < a]
        return [error for one in self.seen for error in one.errors] + back + ([] if self.published else ["the run did not end well"])

    def of(self, forms: Sequence[str]) -> list[float]:
        """Seconds of every answer of some forms."""
        return sorted(second for one in self.seen for form in forms for second in one.seconds.get(form, ()))


def measured(folder: Path, hospitals: int, persons: int, readers: int, seconds: float, pause: float) -> Found:
    """Make the region, serve it, let the readers in, and publish the next release while they read."""
    manifest, region = made(folder, hospitals, persons), folder / "region"
    with (region / "organisations.csv").open(encoding="utf-8") as file:
        units = sorted(row["organisation_id"] for row in csv.DictReader(file))
    tokens = accounts(region)
    with served(region) as (port, process):
        entrances = [entered(port, f"reader{at}", token) for at, token in enumerate(tokens)]
        for form in (*PAGES, *API):  # the first of all waits for packs and cells; it is not one of the many
            path = form.format(code=CODES[0], unit=units[0], period="2025")
            _ask(http.client.HTTPConnection("127.0.0.1", port, timeout=120), path, form, entrances[0], Seen())
        began, ended = time.perf_counter(), list[float]()

        def publish() -> None:
            done = 0.0
            try:
                time.sleep(seconds / 6)
                suwen("land", "--manifest", manifest, "--region", region)
                suwen("run", "--region", region)
                done = time.perf_counter() - began
                time.sleep(_AFTER)
            finally:
                ended.append(done)  # readers go on until then

        writer = threading.Thread(target=publish)
        writer.start()
        with ThreadPoolExecutor(readers) as pool:
            futures = [pool.submit(read, at, port, entrances[at % len(entrances)], units, began + seconds, pause, ended) for at in range(readers)]
            seen = [future.result() for future in futures]
        whole = time.perf_counter() - began
        writer.join()
        return Found(seen, whole, ended[0], _peak(process))


def _peak(process: int) -> int:
    found = re.search(r"VmHWM:\s+([0-9]+) kB", Path(f"/proc/{process}/status").read_text("ascii"))
    return int(found.group(1)) << 10 if found else 0


def page(found: Found, command: str, machine: Mapping[str, object], day: str) -> str:
    """The report as Markdown."""
    releases = sorted({release for one in found.seen for release in one.releases})
    whole = len(found.of((*PAGES, *API)))
    rows = [("all", (*PAGES, *API)), ("pages", PAGES), ("API", API), *((form, (form,)) for form in (*PAGES, *API))]
    table = "\n".join(f"| {f'`{name}`' if name.startswith('/') else name} | {' | '.join(_figures(found.of(forms)))} |" for name, forms in rows)
    machines = "\n".join(f"| {name} | {value} |" for name, value in machine.items())
    return f"""\
# Many readers at once

Readers ask a served region for pages (with the session of an account) and the API (with its token) in turn, one request after the other, each in an order of
its own, while a run takes in one more delivery and publishes the next release. Readers, server and run share the machine. A reader who saw a release after a
later one would count as an error.

`{command}`, {day}: {whole:,} answers in {found.seconds:.0f} s, {whole / found.seconds:.0f} a second; errors: {len(found.errors)}.
Releases read: {", ".join(map(str, releases))}; the run had ended {found.published:.0f} s after the readers began. Peak memory of the server: \
{found.peak / 2**20:.0f} MiB.

| what | answers | median, s | p95, s | p99, s | longest, s |
| --- | ---: | ---: | ---: | ---: | ---: |
{table}

## Machine

| what | is |
| --- | ---: |
{machines}
"""


def _figures(seconds: Sequence[float]) -> tuple[str, ...]:
    if len(seconds) < 2:
        return (f"{len(seconds)}", "", "", "", "")
    cuts = quantiles(seconds, n=100, method="inclusive")
    return (f"{len(seconds):,}", *(f"{one:.2f}" for one in (cuts[49], cuts[94], cuts[98], seconds[-1])))


def main(words: Sequence[str] | None = None) -> int:
    """Measure and write the report; 1 where any answer was an error."""
    wanted = _arguments(words)
    before = machine(("django", "waitress", "duckdb"))
    command = f"python -m bench.readers --hospitals {wanted.hospitals} --persons {wanted.persons} --readers {wanted.readers} --seconds {wanted.seconds:g}"
    command += f" --pause {wanted.pause:g}" if wanted.pause else ""
    with tempfile.TemporaryDirectory(prefix="readers-") as folder:
        found = measured(Path(folder), wanted.hospitals, wanted.persons, wanted.readers, wanted.seconds, wanted.pause)
    text = page(found, command, before, wanted.date)
    wanted.report.parent.mkdir(parents=True, exist_ok=True)
    wanted.report.write_text(text, encoding="utf-8")
    print(text)
    for error in found.errors[:20]:
        print(error, file=sys.stderr)
    return 1 if found.errors else 0


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.readers", description=__doc__)
    parser.add_argument("--hospitals", type=int, default=6, help="default: %(default)s")
    parser.add_argument("--persons", type=int, default=3_000, help="default: %(default)s")
    parser.add_argument("--readers", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=60, help="default: %(default)s")
    parser.add_argument("--pause", type=float, default=0, help="seconds a reader waits before asking again (default: %(default)s)")
    parser.add_argument("--report", type=Path, default=ROOT / "docs" / "bench" / "readers.md", help="default: docs/bench/readers.md")
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the report (default: today)")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
