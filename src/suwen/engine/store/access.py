"""What it takes to reach the objects under one address: bucket, prefix, endpoint and credentials."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

_RETRIES, _PATIENCE = 4, 20  # of a request, and seconds for all its tries


@dataclass(frozen=True)
class Access:
    """A bucket under a prefix. `endpoint`: http or https address, "" for Amazon's of the region; `ca`: a PEM file of authorities, "" for the system's alone.

    `lease_seconds`: after how long without a sign of life a writer counts as dead.
    """

    bucket: str
    prefix: str
    endpoint: str = ""
    region: str = "us-east-1"
    path_style: bool = True
    ca: str = ""
    key_id: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    lease_seconds: int = 60

    @property
    def address(self) -> str:
        """The address as a person writes it."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def reached_at(self) -> str:
        """The endpoint as the protocol wants it: with the bucket's name in the host where paths do not begin with it."""
        if not self.endpoint or self.path_style:
            return self.endpoint
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{self.bucket}.{parts.netloc}"

    def client(self) -> dict[str, Any]:
        """The arguments of obstore's S3Store."""
        options: dict[str, Any] = {"allow_http": self.endpoint.startswith("http://"), "connect_timeout": "5s", "timeout": "300s"}
        if self.ca:
            with open(self.ca, "rb") as stream:
                options["root_certificate"] = stream.read()
        said = {"endpoint": self.reached_at, "access_key_id": self.key_id, "secret_access_key": self.secret, "session_token": self.token}
        return {
            **{key: value for key, value in said.items() if value},
            "region": self.region,
            "virtual_hosted_style_request": not self.path_style,
            "disable_bulk_delete": True,
            "client_options": options,
            "retry_config": {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_PATIENCE)},
        }

    def delta(self) -> dict[str, str]:
        """The storage options of delta-rs, which takes authorities from the process's environment alone."""
        if self.ca:
            os.environ["SSL_CERT_FILE"] = self.ca
        said = {
            "aws_endpoint": self.reached_at,
            "aws_access_key_id": self.key_id,
            "aws_secret_access_key": self.secret,
            "aws_session_token": self.token,
            "aws_region": self.region,
            "aws_virtual_hosted_style_request": "false" if self.path_style else "true",
            "aws_allow_http": "true" if self.endpoint.startswith("http://") else "false",
            "aws_conditional_put": "etag",
            "max_retries": str(_RETRIES),
            "retry_timeout": f"{_PATIENCE}s",
        }
        return {key: value for key, value in said.items() if value}
