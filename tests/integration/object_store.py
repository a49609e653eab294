"""A store that speaks the S3 protocol on loopback: moto's, with keys that are checked, a clock that can be wrong, and faults on demand."""

from __future__ import annotations

import hashlib
import hmac
import io
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from waitress.server import create_server

from suwen.engine.store.access import Access

_SKEW = 15 * 60  # seconds; what S3 allows
_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>a test says so</Message></Error>'
_ACCOUNT = "123456789012"
_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d+)/([\w-]+)/s3/aws4_request, ?SignedHeaders=([\w;-]+), ?Signature=(\w+)")
Answer = Callable[[str, list[tuple[str, str]]], Any]


@dataclass(frozen=True)
class Asked:
    """A request: its method, the object's address from the bucket on, and the query."""

    method: str
    path: str
    query: str

    @property
    def writes(self) -> bool:
        return self.method in ("PUT", "POST", "DELETE")


@dataclass
class Fault:
    """What happens to requests that fit: the first `skip` pass. `code`: refused with it; `lost`: done, and the answer does not say so; `then`: called first."""

    fits: Callable[[Asked], bool]
    code: str = ""
    status: str = "503 Service Unavailable"
    lost: bool = False
    skip: int = 0
    times: int = 1
    then: Callable[[], None] = lambda: None


@dataclass
class ObjectStore:
    """The store; its clock is off by `skew` seconds. `asked`: every request so far."""

    skew: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> ObjectStore:
        self.key_id, self.secret = "SUWENTESTKEY", "a secret of tests, and of nothing else"
        self._app, self._one, self._buckets = DomainDispatcherApplication(create_backend_app), Lock(), 0
        self._server = create_server(self._answer, host="127.0.0.1", port=0, threads=16, clear_untrusted_proxy_headers=False)
        Thread(target=self._server.run, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.effective_port}"

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": self.key_id, "AWS_SECRET_ACCESS_KEY": self.secret}

    def bucket(self) -> str:
        """The name of a new bucket."""
        self._buckets += 1
        name = f"bucket-{self._buckets}"
        s3_backends[_ACCOUNT]["aws"].create_bucket(name, "us-east-1")
        return name

    def lose(self, bucket: str) -> None:
        """Take a bucket away with all it holds."""
        backend = s3_backends[_ACCOUNT]["aws"]
        backend.buckets[bucket].keys.clear()
        backend.delete_bucket(bucket)

    def names(self, bucket: str) -> list[str]:
        """The names of all objects in a bucket."""
        return sorted(s3_backends[_ACCOUNT]["aws"].buckets[bucket].keys.keys())

    def access(self, bucket: str, prefix: str = "lake", **more: Any) -> Access:
        return Access(bucket, prefix, self.endpoint, key_id=self.key_id, secret=self.secret, **more)

    def calm(self) -> None:
        """No fault and no skew from now on."""
        self.faults, self.skew = [], 0.0

    def _answer(self, environ: dict[str, Any], start: Answer) -> Iterable[bytes]:
        asked = Asked(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
        self.asked.append(asked)
        if code := self._distrust(environ):
            return _refused(start, code, "403 Forbidden")
        fault = self._fault(asked)
        if fault is not None:
            fault.then()
            if fault.code:
                return _refused(start, fault.code, fault.status)
            if fault.lost:
                self._done(environ, lambda *_: None, asked)
                return _refused(start, "InternalError", "500 Internal Server Error")
        return self._done(environ, start, asked)

    def _distrust(self, environ: dict[str, Any]) -> str:
        """Why a request is not believed, "" where it is. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
        said = _SIGNED.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
        if said is None:
            return "AccessDenied"
        key_id, day, zone, names, signature = said.groups()
        if key_id != self.key_id:
            return "InvalidAccessKeyId"
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        path, _, query = environ["REQUEST_URI"].partition("?")
        held = {name: environ.get("HTTP_" + name.upper().replace("-", "_"), environ.get(name.upper().replace("-", "_"), "")) for name in names.split(";")}
        lines = [environ["REQUEST_METHOD"], path, "&".join(sorted(query.split("&"))), *(f"{n}:{v}" for n, v in held.items()), "", names]
        digest, date = environ.get("HTTP_X_AMZ_CONTENT_SHA256", ""), environ.get("HTTP_X_AMZ_DATE", "")
        text = "\n".join(["AWS4-HMAC-SHA256", date, f"{day}/{zone}/s3/aws4_request", hashlib.sha256("\n".join([*lines, digest]).encode()).hexdigest()])
        sealed = f"AWS4{self.secret}".encode()
        for part in (day, zone, "s3", "aws4_request", text):
            sealed = hmac.digest(sealed, part.encode(), "sha256")
        if sealed.hex() != signature or digest != hashlib.sha256(body).hexdigest():
            return "SignatureDoesNotMatch"
        asked_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        return "RequestTimeTooSkewed" if abs(asked_at - time.time() - self.skew) > _SKEW else ""

    def _done(self, environ: dict[str, Any], start: Answer, asked: Asked) -> Iterable[bytes]:
        if not asked.writes:
            return self._app(environ, start)  # type: ignore[no-any-return]
        with self._one:  # a condition and its write are one
            return list(self._app(environ, start))

    def _fault(self, asked: Asked) -> Fault | None:
        with self._one:
            for fault in self.faults:
                if fault.times and fault.fits(asked):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None


def _refused(start: Answer, code: str, status: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/xml")])
    return [_ERROR.format(code=code).encode()]


def in_buckets(folder: Path, store: ObjectStore, bucket: str, lease_seconds: int = 6) -> None:
    """Have a new region keep its lake and landing in a bucket."""
    path = folder / "region.toml"
    said = f'lake = "s3://{bucket}/here/lake"\nlanding = "s3://{bucket}/here/landing"\n'
    store_said = f'\n[store]\nendpoint = "{store.endpoint}"\nlease_seconds = {lease_seconds}\n'
    path.write_text(path.read_text("utf-8").replace("\n[engine]", f"{said}{store_said}\n[engine]", 1), "utf-8")
