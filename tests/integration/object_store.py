"""A store that speaks the S3 protocol on loopback, in a process of its own: moto's, with keys that are checked, a clock that can be wrong, faults on demand.

Run as a module it serves until its standard input ends; commands come as lines of JSON, {"do": ..., ...}, and each is answered by one line.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Any

from suwen.engine.store.access import Access

KEY_ID, SECRET = "SUWENTESTKEY", "a secret of tests, and of nothing else"
_ROOT = Path(__file__).parent.parent.parent
_SKEW = 15 * 60  # seconds; what S3 allows
_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>a test says so</Message></Error>'
_ACCOUNT = "123456789012"
_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d+)/([\w-]+)/s3/aws4_request, ?SignedHeaders=([\w;-]+), ?Signature=(\w+)")
_WRITING = ("PUT", "POST", "DELETE")
Start = Callable[[str, list[tuple[str, str]]], Any]


@dataclass
class Fault:
    """What happens to writing requests whose address has `part` in it, but the first `skip`, so many `times`.

    `code`: refused with it; `lost`: done, and the answer does not say so; `kill`: a process that is killed first.
    """

    part: str = ""
    code: str = ""
    status: str = "403 Forbidden"
    lost: bool = False
    skip: int = 0
    times: int = 1
    kill: int = 0
    heedless: bool = False  # done whatever its conditions


class ObjectStore:
    """The store, from the side of a test."""

    def __enter__(self) -> ObjectStore:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self._process = subprocess.Popen([sys.executable, "-m", "tests.integration.object_store"], cwd=_ROOT, env=environment, stdin=-1, stdout=-1, text=True)
        assert self._process.stdout
        self.endpoint = f"http://127.0.0.1:{self._process.stdout.readline().strip()}"
        self._buckets = 0
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate()

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}

    def _ask(self, do: str, **more: Any) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def bucket(self) -> str:
        """The name of a new bucket."""
        self._buckets += 1
        return str(self._ask("make", bucket=f"bucket-{self._buckets}"))

    def lose(self, bucket: str) -> None:
        """Take a bucket away with all it holds."""
        self._ask("lose", bucket=bucket)

    def names(self, bucket: str) -> list[str]:
        """The names of all objects in a bucket."""
        return list(self._ask("names", bucket=bucket))

    def writes(self) -> int:
        """How many writing requests there were so far."""
        return int(self._ask("writes"))

    def fail(self, *faults: Fault) -> None:
        """Have faults happen from now on."""
        self._ask("fail", faults=[asdict(fault) for fault in faults])

    def unspent(self) -> int:
        """How many faults have not happened as often as they were to."""
        return int(self._ask("unspent"))

    def skew(self, seconds: float) -> None:
        """Have the store's clock be off."""
        self._ask("skew", seconds=seconds)

    def calm(self) -> None:
        """No fault and no skew from now on."""
        self.fail()
        self.skew(0)

    def with_tls(self, folder: Path) -> tuple[str, Path]:
        """The same store by TLS: its endpoint, and the file of the authority that signed for it."""
        return f"https://127.0.0.1:{self._ask('tls', folder=str(folder))}", folder / "ca.pem"

    def access(self, bucket: str, prefix: str = "lake", **more: Any) -> Access:
        return Access(bucket, prefix, self.endpoint, key_id=KEY_ID, secret=SECRET, **more)


class Server:
    """The store itself."""

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415  # of the server's process alone
        from moto.s3.models import s3_backends  # noqa: PLC0415

        self._app, self._s3, self._one = DomainDispatcherApplication(create_backend_app), s3_backends[_ACCOUNT]["aws"], Lock()
        self._faults, self._skew, self._writes = list[Fault](), 0.0, 0

    def command(self, said: dict[str, Any]) -> Any:
        return getattr(self, f"do_{said.pop('do')}")(**said)

    def do_make(self, bucket: str) -> str:
        self._s3.create_bucket(bucket, "us-east-1")
        return bucket

    def do_lose(self, bucket: str) -> None:
        self._s3.buckets[bucket].keys.clear()
        self._s3.delete_bucket(bucket)

    def do_names(self, bucket: str) -> list[str]:
        return sorted(self._s3.buckets[bucket].keys.keys())

    def do_writes(self) -> int:
        return self._writes

    def do_fail(self, faults: list[dict[str, Any]]) -> None:
        self._faults = [Fault(**fault) for fault in faults]

    def do_unspent(self) -> int:
        return sum(fault.times > 0 for fault in self._faults)

    def do_skew(self, seconds: float) -> None:
        self._skew = seconds

    def do_tls(self, folder: str) -> int:
        from werkzeug.serving import make_server  # noqa: PLC0415

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = make_server("127.0.0.1", 0, self.answer, threaded=True, ssl_context=_certified(Path(folder)))
        Thread(target=server.serve_forever, daemon=True).start()
        return int(server.server_port)

    def answer(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if code := self._distrust(environ):
            return _refused(start, code)
        if environ["REQUEST_METHOD"] not in _WRITING:
            return self._app(environ, start)  # type: ignore[no-any-return]
        with self._one:  # a condition and its write are one
            self._writes += 1
            fault = self._fault(environ["REQUEST_URI"])
            if fault and fault.kill:
                os.kill(fault.kill, signal.SIGKILL)
            if fault and fault.code:
                return _refused(start, fault.code, fault.status)
            if fault and fault.heedless:
                environ = {key: value for key, value in environ.items() if key not in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH")}
            if fault and fault.lost:
                list(self._app(environ, lambda *_: None))
                return _refused(start, "InternalError", "500 Internal Server Error")
            return list(self._app(environ, start))

    def _distrust(self, environ: dict[str, Any]) -> str:
        """Why a request is not believed, "" where it is. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
        said = _SIGNED.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
        if said is None:
            return "AccessDenied"
        key_id, day, zone, names, signature = said.groups()
        if key_id != KEY_ID:
            return "InvalidAccessKeyId"
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        path, _, query = environ["REQUEST_URI"].partition("?")
        held = {name: environ.get("HTTP_" + name.upper().replace("-", "_"), environ.get(name.upper().replace("-", "_"), "")) for name in names.split(";")}
        lines = [environ["REQUEST_METHOD"], path, "&".join(sorted(query.split("&"))), *(f"{n}:{v}" for n, v in held.items()), "", names]
        digest, date = environ.get("HTTP_X_AMZ_CONTENT_SHA256", ""), environ.get("HTTP_X_AMZ_DATE", "")
        text = "\n".join(["AWS4-HMAC-SHA256", date, f"{day}/{zone}/s3/aws4_request", hashlib.sha256("\n".join([*lines, digest]).encode()).hexdigest()])
        sealed = f"AWS4{SECRET}".encode()
        for part in (day, zone, "s3", "aws4_request", text):
            sealed = hmac.digest(sealed, part.encode(), "sha256")
        if sealed.hex() != signature or digest != hashlib.sha256(body).hexdigest():
            return "SignatureDoesNotMatch"
        asked_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        return "RequestTimeTooSkewed" if abs(asked_at - time.time() - self._skew) > _SKEW else ""

    def _fault(self, address: str) -> Fault | None:
        for fault in self._faults:
            if fault.times and fault.part in address:
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None


def _certified(folder: Path) -> tuple[str, str]:
    """An authority, and a certificate of its making for this machine: the files of certificate and key."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("an authority of tests", "127.0.0.1")]
    now = datetime.now(UTC)
    for at, (name, key) in enumerate(zip(names, keys, strict=True)):
        made = x509.CertificateBuilder().subject_name(name).issuer_name(names[0]).public_key(key.public_key()).serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
        made = made.add_extension(x509.BasicConstraints(ca=at == 0, path_length=None), critical=True)
        if at:
            made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        (folder / ("ca.pem", "store.pem")[at]).write_bytes(made.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "store.key").write_bytes(keys[1].private_bytes(*plain))
    return str(folder / "store.pem"), str(folder / "store.key")


def _refused(start: Start, code: str, status: str = "403 Forbidden") -> Iterable[bytes]:
    start(status, [("Content-Type", "application/xml")])
    return [_ERROR.format(code=code).encode()]


def in_buckets(folder: Path, store: ObjectStore, bucket: str, lease_seconds: int = 6) -> None:
    """Have a new region keep its lake and landing in a bucket."""
    path = folder / "region.toml"
    said = f'lake = "s3://{bucket}/here/lake"\nlanding = "s3://{bucket}/here/landing"\n'
    store_said = f'\n[store]\nendpoint = "{store.endpoint}"\nlease_seconds = {lease_seconds}\n'
    path.write_text(path.read_text("utf-8").replace("\n[engine]", f"{said}{store_said}\n[engine]", 1), "utf-8")


def serve() -> None:
    """Serve until standard input ends."""
    from waitress.server import create_server  # noqa: PLC0415

    store = Server()
    listening = create_server(store.answer, host="127.0.0.1", port=0, threads=16, connection_limit=2000)
    Thread(target=listening.run, daemon=True).start()
    print(listening.effective_port, flush=True)
    for line in sys.stdin:
        print(json.dumps(store.command(json.loads(line))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    serve()
