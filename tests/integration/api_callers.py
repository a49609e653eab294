"""Callers of the API as tests need them: every account by token or session, nobody, and tokens that are no longer, or not, good for it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyarrow as pa

from tests.integration.served import PEOPLE, Served

ROOT = "/api/v1/"
ARROW = "application/vnd.apache.arrow.stream"


@dataclass(frozen=True)
class Got:
    """An answer with all its bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def arrow(self) -> pa.Table:
        return pa.ipc.open_stream(io.BytesIO(self.body)).read_all()


def token_of(served: Served, name: str, *scope: str, lasting: timedelta = timedelta(days=1)) -> str:
    """A new token of an account; by itself for all that a token can be made for."""
    from suwen.govern.people.accounts import account  # noqa: PLC0415 models can be read only once Django knows the region
    from suwen.govern.people.tokens import SCOPES, make_token  # noqa: PLC0415
    from suwen.govern.policy.actions import Action  # noqa: PLC0415

    return make_token(account(name), "tests", [Action(one) for one in scope] or SCOPES, lasting)[1]


class Caller:
    """Asks the API with a token, with a session (`session`), or as nobody."""

    def __init__(self, served: Served, *, token: str = "", session: str = "") -> None:
        self._client = served.client(session)
        self._headers = {"HTTP_AUTHORIZATION": f"Bearer {token}"} if token else {}

    def get(self, path: str, accept: str = "", method: str = "get", **query: str) -> Got:
        headers = {**self._headers, **({"HTTP_ACCEPT": accept} if accept else {})}
        answer = getattr(self._client, method)(path if path.startswith("/") else ROOT + path, query, **headers)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return Got(answer.status_code, dict(answer.items()), body)


def callers(served: Served) -> dict[str, Caller]:
    """Everybody who may come: accounts by token; `nobody`, `guessed`, `expired`, `revoked`, and `narrow`, an administrator's token for values alone."""
    from suwen.base.clock import now  # noqa: PLC0415
    from suwen.govern.people.models import AccessToken  # noqa: PLC0415

    found = {name: Caller(served, token=token_of(served, name)) for name in PEOPLE}
    expired, revoked = (token_of(served, "administrator") for _ in range(2))
    held = list(AccessToken.objects.filter(user__name="administrator").order_by("-pk")[:2])
    AccessToken.objects.filter(pk=held[1].pk).update(expires_at=now() - timedelta(seconds=1))
    AccessToken.objects.filter(pk=held[0].pk).update(revoked_at=now())
    return found | {
        "nobody": Caller(served),
        "guessed": Caller(served, token="suwen_" + "x" * 43),
        "expired": Caller(served, token=expired),
        "revoked": Caller(served, token=revoked),
        "narrow": Caller(served, token=token_of(served, "administrator", "see values")),
    }
