"""The one writer of a lake in a bucket: a lease with a fencing number, kept in one object by conditional puts.

    {"number": 7, "holder": "...", "machine": "...", "held": true, "seconds": 60}

Who takes the lease raises its number by one, and only if the object still is as it was read. Who holds it puts it anew every third of its seconds, and
before anything is published: a holder whose lease has passed to another is refused, since the object is not the one it put last. Whether a lease has run
out is told by the store's own clock alone, by which the object was put and a second one is put to ask the time.
"""

from __future__ import annotations

import json
import os
import platform
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from threading import Event, Lock, Thread
from uuid import uuid4

from suwen.base.errors import SuwenError
from suwen.engine.store.client import Client, Held
from suwen.engine.store.folder import WAITING, another_writer
from suwen.engine.store.port import Told

LEASE, _CLOCK = "lease.json", "clock.json"
_COARSE = 2.0  # seconds by which two of the store's times may be nearer than they seem: it tells whole ones
_ASK_AGAIN = 2.0  # seconds between looks at a lease that is waited for


@dataclass(frozen=True)
class _Terms:
    """What the object says."""

    number: int = 0
    holder: str = ""
    machine: str = ""
    held: bool = False
    seconds: float = 60

    def text(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()


class Lease:
    """The lease of one lake. `machine`: known to all processes that share a folder whose lock only one of them can hold: what it left is taken over at once."""

    def __init__(self, client: Client, machine: str) -> None:
        self._client, self._machine = client, machine
        self._holder = f"{platform.node()} {os.getpid()} {uuid4().hex[:12]}"
        self._terms, self._tag = _Terms(), ""
        self._end, self._one = Event(), Lock()
        self._thread: Thread | None = None

    @property
    def number(self) -> int:
        """The fencing number under which this process holds the lease; it grows with every holder."""
        return self._terms.number

    def take(self, *, wait: bool = False, message: Told | None = None) -> None:
        """Become the holder. Raises SuwenError where another holds it, unless it is to be waited for."""
        while not self._taken():
            if not wait:
                raise another_writer(self._client.where(LEASE))
            if message:
                message(WAITING)
                message = None
            time.sleep(_ASK_AGAIN)
        self._thread = Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()

    def give_back(self) -> None:
        """End the lease, so that the next need not wait; one that has passed to another stays theirs."""
        self._end.set()
        if self._thread:
            self._thread.join()
        self._put(_Terms(self.number, self._holder, self._machine, False, self._terms.seconds))

    def check(self) -> None:
        """Raises SuwenError where the lease has passed to another; else it holds for all its seconds from now."""
        if not self._put(self._terms):
            found = self._read()
            now = f"another holds it with number {found[0].number}" if found else "it is gone"
            raise SuwenError(
                f"this run has lost its lease (number {self.number}): {now}; nothing more is written, and nothing was published",
                where=self._client.where(LEASE),
                expected="one writer per region, in touch with the store",
                do="run again: what this run left is taken back",
            )

    def busy(self) -> bool:
        """Whether somebody holds the lease just now."""
        found = self._read()
        return found is not None and not self._free(*found)

    def _taken(self) -> bool:
        """Try once."""
        found = self._read()
        seconds = float(self._client.access.lease_seconds)
        if found is None:
            return self._begin(_Terms(1, self._holder, self._machine, True, seconds), None)
        terms, held = found
        return self._free(terms, held) and self._begin(_Terms(terms.number + 1, self._holder, self._machine, True, seconds), held.tag)

    def _begin(self, terms: _Terms, tag: str | None) -> bool:
        if tag is None:
            if not self._client.create(LEASE, terms.text()):
                return False
            self._tag = found[1].tag if (found := self._read()) else ""
        else:
            new = self._client.replace(LEASE, terms.text(), tag)
            if new is None:
                return False
            self._tag = new
        self._terms = terms
        return True

    def _free(self, terms: _Terms, held: Held) -> bool:
        """Whether a lease may be taken: given back, left by a dead process of this machine, or run out."""
        return not terms.held or terms.machine == self._machine or self._now() - held.taken.timestamp() > terms.seconds + _COARSE

    def _now(self) -> float:
        """The store's time: when it takes an object now."""
        self._client.put(_CLOCK, b"{}")
        held = self._client.head(_CLOCK)
        return held.taken.timestamp() if held else 0.0

    def _read(self) -> tuple[_Terms, Held] | None:
        try:
            data, held = self._client.get(LEASE)
            return _Terms(**json.loads(data)), held
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise SuwenError(
                "the lease cannot be read", where=self._client.where(LEASE), expected="what Suwen wrote there", do="see that no run is at work, then delete it"
            ) from None

    def _renew(self) -> None:
        """Put the lease anew until the end, or until it has passed to another: what is published next tells."""
        while not self._end.wait(self._terms.seconds / 3):
            with suppress(SuwenError):  # the store is out of reach: tried again at the next turn
                if not self._put(self._terms):
                    return

    def _put(self, terms: _Terms) -> bool:
        """Replace the object, if it is ours; an answer lost on the way changed its tag though it still is."""
        with self._one:
            for _ in range(2):
                if (tag := self._client.replace(LEASE, terms.text(), self._tag)) is not None:
                    self._tag = tag
                    return True
                found = self._read()
                if found is None or (found[0].holder, found[0].number) != (self._holder, self.number):
                    return False
                self._tag = found[1].tag
        return False
