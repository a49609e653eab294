"""Where region.toml says that lake and landing are kept: folders, or addresses in buckets with how these are reached."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

from suwen.model.region import Bucket
from suwen.packs.section import Section

CACHE = "cache"  # below the region's folder: copies of what buckets hold, one folder for each address
_KEYS = ("endpoint", "region", "path_style", "ca", "key_id", "secret", "token", "cache", "cache_gb", "lease_seconds", "allow_http")
_ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>(/[A-Za-z0-9_][A-Za-z0-9._=-]*)*)/?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")
_HERE = ("localhost", "127.0.0.1", "::1")


def read_bucket(top: Section, folder: Path) -> Bucket:
    """The section [store]; paths in it are from the region's folder."""
    section = top.section("store", _KEYS)
    if section is None:
        return Bucket()
    known = Bucket()
    ca = section.text("ca", required=False)
    return Bucket(
        endpoint=_endpoint(section),
        region=section.text("region", required=False, default=known.region),
        path_style=section.flag("path_style", known.path_style),
        ca=str(folder / ca) if ca else "",
        key_id=_reference(section, "key_id", known.key_id, folder),
        secret=_reference(section, "secret", known.secret, folder),
        token=_reference(section, "token", known.token, folder),
        cache_gb=section.whole("cache_gb", known.cache_gb, least=1),
        lease_seconds=section.whole("lease_seconds", known.lease_seconds, least=5),
    )


def is_address(said: str) -> bool:
    """Whether this is an address of object storage."""
    return _ADDRESS.fullmatch(said) is not None


def read_place(top: Section, key: str, folder: Path, bucket: Bucket) -> tuple[Path, str]:
    """The folder of lake or landing on this machine, and its address where it is kept in a bucket, "" where it is not."""
    said = top.text(key, required=False, default=key)
    if not _SCHEME.match(said):
        return folder / said, ""
    found = _ADDRESS.fullmatch(said)
    if found is None:
        expected = "a folder, or s3://BUCKET/PREFIX in small letters, digits, dots and - (the prefix also capitals, _ and =)"
        top.problem(key, f'"{said}" is not an address of object storage', expected=expected)
        return folder / key, ""
    address = f"s3://{found['bucket']}{found['prefix']}"
    section = top.data.get("store")
    cache = section.get("cache", CACHE) if isinstance(section, dict) else CACHE
    own = hashlib.sha256(f"{bucket.endpoint} {address}".encode()).hexdigest()[:8]  # copies of another bucket are not this one's
    return folder / (cache if isinstance(cache, str) and cache else CACHE) / f"{key}-{own}", address


def check_apart(top: Section, lake: str, landing: str) -> None:
    """Report addresses of which one lies in the other: what is removed from a lake must not be able to reach the landing."""
    if lake and landing and (f"{lake}/".startswith(f"{landing}/") or f"{landing}/".startswith(f"{lake}/")):
        top.problem("landing", "lake and landing lie in each other", expected="two addresses of which none begins with the other")


def _endpoint(section: Section) -> str:
    said = section.text("endpoint", required=False)
    try:
        parts = urlsplit(said)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path in ("", "/") and not parts.query and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if not said:
        return ""
    if not fits or parts.username or parts.password:
        section.problem("endpoint", "this is not the address of a store", expected="https and a name, such as https://s3.example.org")
        return ""
    if parts.scheme == "http" and parts.hostname not in _HERE and not section.flag("allow_http", False):
        section.problem(
            "endpoint",
            "the store is not reached by TLS: whoever listens reads the records",
            expected="https",
            do="give the store a certificate and name its authority as ca; or, in a network of your own alone, say allow_http = true",
        )
    return f"{parts.scheme}://{parts.netloc}"


def _reference(section: Section, key: str, default: str, folder: Path) -> str:
    """A reference to a secret; what stands there instead is not repeated."""
    said = section.text(key, required=False, default=default)
    if said and not _REFERENCE.fullmatch(said):
        section.problem(
            key, f"{key} is not a reference", expected="env:NAME of a variable of the environment, or file:PATH", do="keep secrets out of region.toml"
        )
        return default
    return f"file:{folder / said.removeprefix('file:')}" if said.startswith("file:") else said
