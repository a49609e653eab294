"""Objects under one address by the S3 protocol: put whole, put if absent or unchanged, read, listed; every refusal a SuwenError.

Each request is signed over the hash of its body, so a store that accepts it has the bytes that were sent.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from suwen.base.errors import Defect, SuwenError
from suwen.engine.store.access import Access
from suwen.engine.store.faults import code_of, store_fault

_CHUNK = 8 << 20  # bytes of a part of a large object, and of what is read at a time
_ABSENT = ("NoSuchKey", "")


@dataclass(frozen=True)
class Held:
    """An object: its name under the address, bytes, tag of its content, and when the store took it, by the store's clock."""

    name: str
    size: int
    tag: str
    taken: datetime


class Client:
    """Objects by name; names are paths under the address."""

    def __init__(self, access: Access) -> None:
        self.access = access
        try:
            self._store = S3Store(access.bucket, prefix=access.prefix or None, **access.client())
        except OSError as error:
            raise SuwenError(
                "the file of certificate authorities cannot be read", where=access.ca, expected="a PEM file", do="mend ca of [store] in region.toml"
            ) from error
        except BaseError as error:
            raise SuwenError("object storage cannot be used as declared", where=f"[store] in region.toml: {type(error).__name__}") from None

    def where(self, name: str) -> str:
        """The address of an object."""
        return f"{self.access.address}/{name}".rstrip("/")

    def put(self, name: str, data: bytes | Path) -> str:
        """Put an object in the place of what had its name; gives its tag, once the store says that it holds it whole."""
        size = len(data) if isinstance(data, bytes) else data.stat().st_size
        with self._explained(name):
            tag = obstore.put(self._store, name, data, chunk_size=_CHUNK, max_concurrency=4)["e_tag"]
        held = self.head(name)
        if held is None or held.size != size or held.tag != tag:
            what = "is gone at once" if held is None else "is not what was put"
            raise SuwenError(f"object storage: an object {what}", where=self.where(name), expected=f"{size} bytes", do="see that nobody else writes there")
        return held.tag

    def create(self, name: str, data: bytes) -> bool:
        """Put a small object if its name is free; tells whether it was. An answer that was lost on the way is found out by reading."""
        for _ in range(3):
            try:
                with self._explained(name):
                    obstore.put(self._store, name, data, mode="create", use_multipart=False)
                return True
            except (AlreadyExistsError, SuwenError) as error:
                try:
                    return self.get(name)[0] == data
                except FileNotFoundError:
                    if isinstance(error, SuwenError):
                        raise error from None
        raise SuwenError("object storage: a name is neither free nor taken", where=self.where(name), do="give the command again")

    def replace(self, name: str, data: bytes, tag: str) -> str | None:
        """Put a small object in the place of one that still has this tag; gives the new tag, None where it has not."""
        try:
            with self._explained(name):
                return str(obstore.put(self._store, name, data, mode={"e_tag": tag}, use_multipart=False)["e_tag"])
        except (PreconditionError, FileNotFoundError):
            return None

    def check_conditions(self, name: str) -> None:
        """Raises SuwenError where the store does not keep to the conditions of a put: then none is the one writer. `name`: of an object to try it on."""
        self.put(name, b"1")
        (_, held), twice = self.get(name), self.create(name, b"2")
        changed = self.replace(name, b"3", held.tag)
        if twice or changed is None or self.replace(name, b"4", held.tag) is not None:
            raise SuwenError(
                "object storage: the store does not keep to conditional puts (If-None-Match, If-Match)",
                where=self.where(name),
                expected="that a name is given once, and that a stale tag is refused",
                do="use a store that has them",
            )
        self.delete([name])

    def get(self, name: str) -> tuple[bytes, Held]:
        """A small object whole. Raises FileNotFoundError where there is none."""
        with self._explained(name):
            found = obstore.get(self._store, name)
            return bytes(found.bytes()), _held(found.meta)

    def head(self, name: str) -> Held | None:
        """What the store knows of an object; None where there is none."""
        try:
            return _held(obstore.head(self._store, name))
        except (BaseError, OSError):  # the answer to this request has no body that would say why: a missing object is told from a missing bucket by another
            try:
                with self._explained(name):
                    return _held(obstore.get(self._store, name).meta)
            except FileNotFoundError:
                return None

    def part(self, name: str, start: int, end: int) -> bytes:
        """The bytes of an object from `start` to before `end`."""
        with self._explained(name):
            return bytes(obstore.get_range(self._store, name, start=start, end=end))

    def stream(self, name: str) -> Iterator[bytes]:
        """The bytes of an object, a few megabytes at a time. Raises FileNotFoundError where there is none."""
        with self._explained(name):
            for chunk in obstore.get(self._store, name).stream(min_chunk_size=_CHUNK):
                yield bytes(chunk)

    def download(self, name: str, path: Path) -> None:
        """Bring an object to a path, whole or not at all, with the time at which the store took it. Raises FileNotFoundError where there is none."""
        with self._explained(name):
            found = obstore.get(self._store, name)
            held = _held(found.meta)
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
            try:
                with aside.open("wb") as out:
                    for chunk in found.stream(min_chunk_size=_CHUNK):
                        out.write(chunk)
                if aside.stat().st_size != held.size:
                    raise SuwenError("object storage: an object came cut short", where=self.where(name), do="give the command again")
                os.utime(aside, (held.taken.timestamp(), held.taken.timestamp()))
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)

    def below(self, folder: str, after: str = "") -> Iterator[Held]:
        """The objects below a folder in the order of their names, those after a name alone where one is given."""
        with self._explained(folder):
            for chunk in obstore.list(self._store, folder or None, offset=after or None):
                yield from map(_held, chunk)

    def level(self, folder: str) -> tuple[set[str], list[Held]]:
        """The names of the folders in a folder, and its own objects."""
        with self._explained(folder):
            found = obstore.list_with_delimiter(self._store, folder or None)
            return {one.rsplit("/", 1)[-1] for one in found["common_prefixes"]}, [_held(one) for one in found["objects"]]

    def delete(self, names: Iterable[str]) -> None:
        """Take objects away; one that is not there is no mistake."""
        for name in names:
            with self._explained(name):
                obstore.delete(self._store, name)

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        """Turn what the client raises into SuwenError; FileNotFoundError where an object is absent, and the two refusals of a conditional put, pass."""
        try:
            yield
        except (AlreadyExistsError, PreconditionError):
            raise
        except FileNotFoundError as error:
            if code_of(str(error)) in _ABSENT:
                raise FileNotFoundError(self.where(name)) from None
            raise self._fault(error, name) from None
        except BaseError as error:
            raise self._fault(error, name) from None

    def _fault(self, error: Exception, name: str) -> Exception:
        return store_fault(str(error), self.where(name)) or Defect(f"object storage: {type(error).__name__}")


def _held(meta: Any) -> Held:
    return Held(str(meta["path"]), int(meta["size"]), str(meta["e_tag"] or ""), meta["last_modified"])
