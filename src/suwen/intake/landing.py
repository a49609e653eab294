"""Landing: raw bytes kept unchanged, with receipts that are durable before anything is acknowledged.

    landing/objects/<2>/<sha256>          the bytes, each content once
    landing/deliveries/<number>.json      a delivery with its receipts; its appearance is the acknowledgement
    landing/facts/<number>.json           what was decided about a delivery afterwards
    landing/register/<chunk>.parquet      receipts of a thousand deliveries as columns; a saving, made again where it is not there
    landing/tmp, landing/lock             work of a landing in progress; leftovers of a dead one are cleaned by the next

A landing holds one lock from its first to its last step. Objects come first, the delivery last: a landing that dies before that leaves
at most objects nobody names, which the next landing of the same bytes takes up.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from itertools import count, takewhile
from pathlib import Path
from typing import BinaryIO, TypeVar

from suwen.base.errors import SuwenError
from suwen.engine.store.folder import FolderStore
from suwen.engine.store.port import Store
from suwen.intake import archive, sources
from suwen.intake.durable import Step, explained, locked, make_folder, no_step, put_if_absent, sync_folder, write_all
from suwen.intake.register import Register, read_register
from suwen.model.receipt import Delivery, Fact, Mode, Object, Receipt, State, check_declared

Progress = Callable[[int], None]
DIGITS = 10
_NUMBERED = re.compile(r"[0-9]{10}[.]json")
T = TypeVar("T")


def _silent(_: object) -> None:
    """No progress shown, no message said."""


class Landing:
    """The landing of a region: a folder, or what a bucket holds of it."""

    def __init__(self, folder: Path, message: Callable[[str], None] = _silent, store: Store | None = None) -> None:
        self.folder = Path(folder)
        self._store = store or FolderStore(self.folder)
        self._message = message
        self._objects, self._deliveries, self._facts = self.folder / "objects", self.folder / "deliveries", self.folder / "facts"
        self._tmp, self.surveys = self.folder / "tmp", self.folder / "surveys"
        self._hint = self.folder / "newest"  # the number of a delivery near the highest, if it is right at all

    def land(
        self,
        feed: str,
        paths: Sequence[Path],
        *,
        as_of: date,
        mode: Mode,
        window: tuple[date, date] | None = None,
        sender: str = "",
        received_at: datetime,
        after_step: Step = no_step,
        progress: Progress = _silent,
    ) -> Delivery:
        """Land files (of a folder: all below it) as one delivery, whole or not at all; returns once it is durable.

        `as_of` a date or naive time; `received_at` in UTC; `progress` is told the bytes of each chunk. Raises SuwenError when a file or the
        disk does not allow it; then nothing was taken in.
        """
        files = sources.find(paths)
        moment = as_of if isinstance(as_of, datetime) else datetime(as_of.year, as_of.month, as_of.day)
        check_declared(feed, received_at, moment, mode, window)
        with self._writing(after_step):
            number, sequence = self._next()
            with self._kept_only_if(self._deliveries / _name(number)) as named:
                kept = [self._keep(file, named, after_step, progress) for file in files]
                while True:
                    receipts = tuple(
                        Receipt(sequence + i, feed, number, file.name, Object(sha256), length, sha256, received_at, moment, mode, window, sender, codec)
                        for i, (file, (sha256, length, codec)) in enumerate(zip(files, kept, strict=True))
                    )
                    delivery = Delivery(number, feed, moment, mode, window, received_at, receipts)
                    if self._put(self._deliveries, number, delivery.to_json(), "delivery", after_step):
                        with suppress(OSError):
                            self._hint.write_text(str(number), "ascii")
                        return delivery
                    number, sequence = self._next()  # another machine took the number

    def deliveries(self, after: int = 0) -> list[Delivery]:
        """All deliveries with a number above `after`, in order. Raises SuwenError when one is missing or damaged."""
        return _read(self._numbered(self._deliveries, after))

    def delivery(self, number: int) -> Delivery:
        """One delivery. Raises SuwenError when it is missing or damaged."""
        return _load(self._deliveries / _name(number), Delivery.from_json)

    def receipts(self, after: int = 0) -> list[Receipt]:
        """The receipts of all deliveries with a number above `after`, in sequence."""
        return [receipt for delivery in self.deliveries(after) for receipt in delivery.receipts]

    def register(self) -> Register:
        """The receipts of all deliveries as columns. Raises SuwenError when a delivery is missing or damaged."""
        return read_register(self.folder / "register", self._numbered(self._deliveries, 0), _read)

    def object_path(self, sha256: str) -> Path:
        """Where the bytes with this sha256 are to be read; brought there, where they are kept elsewhere."""
        path = self._object(sha256)
        if self._store.fetch([path]) and _sha256(path.open("rb")) != sha256:
            path.unlink()
            raise SuwenError("the bytes of an object are not those that arrived", where=self._store.where(path), do="restore landing from its copy")
        return path

    def shown(self, receipt: Receipt) -> str:
        """What a person calls the place where the bytes of a receipt are kept."""
        return self._store.where(self._object(receipt.sha256))

    def stamp(self) -> tuple[int, ...]:
        """Numbers that change as soon as a delivery or a fact has come."""
        for folder in (self._deliveries, self._facts):
            self._store.follow(folder)
        return tuple(folder.stat().st_mtime_ns if folder.is_dir() else 0 for folder in (self._deliveries, self._facts))

    def _object(self, sha256: str) -> Path:
        return self._objects / sha256[:2] / sha256

    def open(self, receipt: Receipt) -> BinaryIO:
        """The raw bytes of a receipt as they arrived."""
        path = self.object_path(receipt.sha256)
        try:
            return path.open("rb")
        except FileNotFoundError:
            raise self._lost(receipt) from None

    def facts(self) -> list[Fact]:
        """What was decided about deliveries, in order."""
        return [_load(path, Fact.from_json) for _, path in self._numbered(self._facts, 0)]

    def states(self) -> dict[int, State]:
        """The state of each delivery that facts speak of; all others are accepted."""
        states: dict[int, State] = {}
        for fact in self.facts():
            if states.get(fact.delivery) is not State.ERASED:
                states[fact.delivery] = fact.state
        return states

    def erased(self) -> frozenset[int]:
        """The receipts of deliveries that were erased; their bytes need not be here."""
        states = self.states()
        return frozenset(r.sequence for r in (self.receipts() if State.ERASED in states.values() else ()) if states.get(r.delivery) is State.ERASED)

    def add_fact(self, fact: Fact, after_step: Step = no_step) -> None:
        """Append a fact about a delivery, durably. Raises SuwenError when there is no such delivery."""
        with self._writing(after_step):
            self._store.follow(self._deliveries)
            if not (self._deliveries / _name(fact.delivery)).exists():
                raise SuwenError(f"there is no delivery {fact.delivery}", where=str(self.folder), do="see the deliveries by `suwen status`")
            while not self._put(self._facts, len(self._numbered(self._facts, 0)) + 1, fact.to_json(), "fact", after_step):
                pass  # another machine took the number

    def verify_objects(self, progress: Progress = _silent) -> int:
        """Hash the bytes behind every receipt again; returns how many objects were right, raises SuwenError at the first that is not."""
        erased = self.erased()
        names = {receipt.sha256: receipt for receipt in self.receipts() if isinstance(receipt.form, Object) and receipt.sequence not in erased}
        for receipt in names.values():
            self._verify(receipt, progress)
        return len(names)

    def check(self, receipt: Receipt) -> None:
        """Raises SuwenError where the bytes of a receipt are not there or are not those that arrived.

        Told by their length, and by hash where the object was written to after its delivery was acknowledged; `verify_objects` always hashes.
        """
        with self.open(receipt) as stream:
            found = os.fstat(stream.fileno())
        acknowledged = (self._deliveries / _name(receipt.delivery)).stat().st_mtime_ns
        if found.st_size != receipt.length:
            raise self._changed(receipt, f"{receipt.length} bytes; there are {found.st_size}")
        if found.st_mtime_ns > acknowledged:
            self._verify(receipt, _silent)

    def _verify(self, receipt: Receipt, progress: Progress) -> None:
        try:
            stream = self._store.open(self._object(receipt.sha256))
        except FileNotFoundError:
            raise self._lost(receipt) from None
        if _sha256(stream, progress) != receipt.sha256:
            raise self._changed(receipt, "the bytes whose sha256 is the file's name")

    def _changed(self, receipt: Receipt, expected: str) -> SuwenError:
        what = f"the bytes of receipt {receipt.sequence} are not those that arrived"
        return SuwenError(what, where=self.shown(receipt), expected=expected, do="restore landing from its copy")

    def _lost(self, receipt: Receipt) -> SuwenError:
        return SuwenError(f"the bytes of receipt {receipt.sequence} are not in landing", where=self.shown(receipt), do="restore landing from its copy")

    @contextmanager
    def _writing(self, step: Step) -> Iterator[None]:
        """Hold the lock with the folders made and leftovers of dead landings removed; on failure remove our own."""
        with explained("preparing landing", self.folder):
            for folder in (self._objects, self._deliveries, self._facts, self._tmp, self.surveys):
                make_folder(folder)
            step("folders-made")
        with explained("writing to landing", self.folder), locked(self.folder / "lock", self._message):
            step("locked")
            self._clean()
            step("cleaned")
            try:
                yield
            except BaseException:
                with suppress(OSError):  # the first error is the one to tell; the next landing cleans again
                    self._clean()
                raise

    @contextmanager
    def _kept_only_if(self, delivery: Path) -> Iterator[list[Path]]:
        """Objects named for the first time by a landing that fails are taken away again, unless its delivery is there all the same."""
        named: list[Path] = []
        try:
            yield named
        except BaseException:
            if not delivery.exists():
                for path in named:
                    with suppress(OSError):  # the first error is the one to tell; an object nobody names does no harm
                        path.unlink()
            raise

    def _clean(self) -> None:
        for leftover in self._tmp.iterdir():
            leftover.unlink()

    def _keep(self, source: Path, named: list[Path], step: Step, progress: Progress) -> tuple[str, int, str]:
        """Copy and hash a file in one pass, then give it its name: (sha256, length, codec). `named` is told an object that was not there."""
        temporary = self._tmp / f"object-{os.getpid()}"
        digest, length, head = hashlib.sha256(), 0, b""
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440)
        try:
            step("object-created")
            for chunk in sources.chunks(source):
                head = head or chunk[: archive.MAGIC_BYTES]
                digest.update(chunk)
                write_all(handle, chunk)
                length += len(chunk)
                progress(len(chunk))
                step("object-chunk-written")
            os.fsync(handle)
            step("object-synced")
        finally:
            os.close(handle)
        # An object already there is replaced all the same: its bytes are equal, and a copy gone bad on the disk heals.
        final = self._object(digest.hexdigest())
        make_folder(final.parent)
        step("object-folder-made")
        if not final.exists():
            named.append(final)
        temporary.replace(final)
        step("object-named")
        sync_folder(final.parent)
        self._store.keep([final])
        step("object-durable")
        return digest.hexdigest(), length, archive.codec_of(head)

    def _put(self, folder: Path, number: int, data: object, name: str, step: Step) -> bool:
        """Put a numbered file; False where another machine was first. On this machine the lock sees to that."""
        text = json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"
        if self._store.remote:
            return self._store.put_if_absent(folder / _name(number), text, lambda said: step(f"{name}-{said}"))
        put_if_absent(self._tmp / f"{name}-{os.getpid()}", folder / _name(number), text, name, step)
        return True

    def _next(self) -> tuple[int, int]:
        """The numbers of the next delivery and of its first receipt."""
        number = self._newest()
        if not number:
            return 1, 1
        return number + 1, _load(self._deliveries / _name(number), Delivery.from_json).receipts[-1].sequence + 1

    def _newest(self) -> int:
        """The highest delivery; 0 where there is none. Looked for from the one last landed here on, since a folder of very many is slow to list."""
        self._store.follow(self._deliveries)
        try:
            number = int(self._hint.read_text("ascii"))
        except (OSError, ValueError):
            number = 0
        if not number or not (self._deliveries / _name(number)).exists():
            numbers = self._numbered(self._deliveries, 0)
            return numbers[-1][0] if numbers else 0
        while (self._deliveries / _name(number + 1)).exists():
            number += 1
        return number

    def _numbered(self, folder: Path, after: int) -> list[tuple[int, Path]]:
        """The numbered files of a folder above `after`, in order; numbers are given without gaps, so a gap is a loss."""
        self._store.follow(folder)
        if not folder.is_dir():
            return []
        if after and (folder / _name(after)).exists():  # whoever goes on from there need not have a large folder listed
            return list(takewhile(lambda numbered: numbered[1].exists(), ((number, folder / _name(number)) for number in count(after + 1))))
        with os.scandir(folder) as entries:
            numbers = sorted(int(entry.name[:DIGITS]) for entry in entries if _NUMBERED.fullmatch(entry.name))
        if numbers and numbers != list(range(1, numbers[-1] + 1)):
            missing = next(i for i, number in enumerate(numbers, 1) if i != number)
            raise SuwenError(f"file {_name(missing)} is missing", where=str(folder), do="restore landing from its copy")
        return [(number, folder / _name(number)) for number in numbers if number > after]


def _sha256(stream: BinaryIO, progress: Progress = _silent) -> str:
    """The hash of a stream's bytes in hexadecimal digits; the stream is closed."""
    digest = hashlib.sha256()
    with stream:
        while chunk := stream.read(sources.CHUNK):
            digest.update(chunk)
            progress(len(chunk))
    return digest.hexdigest()


def _read(numbers: Sequence[tuple[int, Path]]) -> list[Delivery]:
    """Deliveries from their files. Raises SuwenError when one is damaged, or receipts are missing between two."""
    found: list[Delivery] = []
    for number, path in numbers:
        delivery = _load(path, Delivery.from_json)
        if delivery.number != number:
            raise SuwenError("the delivery's number is not that of its file", where=str(path), do="restore landing from its copy")
        if found and delivery.receipts[0].sequence != found[-1].receipts[-1].sequence + 1:
            raise SuwenError("receipts are missing before this delivery", where=str(path), do="restore landing from its copy")
        found.append(delivery)
    return found


def _name(number: int) -> str:
    return f"{number:0{DIGITS}d}.json"


def _load(path: Path, read: Callable[[object], T]) -> T:
    try:
        return read(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        raise SuwenError("the file cannot be read, or is damaged", where=str(path), do="restore landing from its copy") from None
    except SuwenError as error:
        raise SuwenError(f"the file is damaged: {error.what}", where=str(path), expected=error.expected, do="restore landing from its copy") from None
