"""Many readers at once at a running server: `python -m bench.web_server http://127.0.0.1:8080 NAME PASSWORD [PATH ...]`; errors, pages a second, and waits."""

from __future__ import annotations

import asyncio
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urlsplit

READERS, SECONDS = 200, 60


@dataclass
class Waits:
    """What readers met with: seconds per page, and what was no page."""

    seconds: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)

    def share(self, part: float) -> float:
        """The wait, in seconds, that this part of the pages did not go beyond."""
        ordered = sorted(self.seconds) or [0.0]
        return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


def cookies(address: str, name: str, password: str) -> str:
    """Sign in; gives the cookies of the session."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(f"{address}/sign-in").read().decode()
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    opener.open(f"{address}/sign-in", urlencode({"name": name, "password": password, "csrfmiddlewaretoken": token, "next": "/account"}).encode())
    return "; ".join(f"{one.name}={one.value}" for one in jar)


async def _reader(address: str, held: str, paths: Sequence[str], until: float, number: int, waits: Waits) -> None:
    """One reader: a page, and when it is there the next, over one connection as long as it holds."""
    at, turn = urlsplit(address), number
    reader = writer = None
    while time.perf_counter() < until:
        start = time.perf_counter()
        try:
            if writer is None or reader is None:
                reader, writer = await asyncio.open_connection(at.hostname, at.port)
            path = paths[turn % len(paths)]
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\nCookie: {held}\r\n\r\n".encode())
            status, closing = await _answer(reader)
            if status != 200:
                waits.wrong[f"{status} {path}"] += 1
            else:
                waits.seconds.append(time.perf_counter() - start)
            if closing:
                writer.close()
                reader = writer = None
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            waits.wrong[type(error).__name__] += 1
            reader = writer = None
            await asyncio.sleep(0.05)
        turn += 1


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status of an answer read to its end, and whether the connection ends with it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if "content-length:" in head:
        await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n", 1)[0]))
    elif "transfer-encoding: chunked" in head:
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    else:
        await reader.read()
    return int(head.split(" ", 2)[1]), "connection: close" in head


async def read(address: str, held: str, paths: Sequence[str], readers: int = READERS, seconds: float = SECONDS) -> Waits:
    """Let so many readers read for so long."""
    waits, until = Waits(), time.perf_counter() + seconds
    await asyncio.gather(*(_reader(address, held, paths, until, number, waits) for number in range(readers)))
    return waits


def main(address: str, name: str, password: str, *paths: str, readers: int = READERS, seconds: float = SECONDS) -> Waits:
    """Sign in, read, tell."""
    waits = asyncio.run(read(address, cookies(address, name, password), paths or ("/",), readers, seconds))
    told = f"{len(waits.seconds) / seconds:.0f} pages/s; p50 {waits.share(0.5):.3f} s, p95 {waits.share(0.95):.3f} s, p99 {waits.share(0.99):.3f} s"
    sys.stdout.write(f"{readers} readers, {seconds:.0f} s: {told}; errors {dict(waits.wrong) or 'none'}\n")
    return waits


if __name__ == "__main__":
    main(*sys.argv[1:])
