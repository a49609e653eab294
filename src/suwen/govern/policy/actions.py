"""What can be done, and which role may do it: one table, from which decisions, pages and the manual are made."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What a person is in a region; always bound to a part of the organisation tree."""

    ADMINISTRATOR = "administrator"
    ANALYST = "analyst"
    STEWARD = "steward"
    VIEWER = "viewer"


class Action(StrEnum):
    """One thing a person may be let do, or not."""

    VALUES = "see values"
    CATALOGUE = "see catalogue"
    RELEASES = "see releases"
    FEEDS = "see feeds"
    RECORDS = "see records"
    RAW = "see raw bytes"
    QUARANTINE = "see quarantine"
    REPLAY = "replay quarantine"
    OPEN_IDENTITY = "open identity"
    SEE_IDENTITY = "see identity"
    QUERY = "query freely"
    PEOPLE = "manage people"
    AUDIT = "read audit"
    TOKENS = "manage own tokens"


_A, _N, _S, _V = Role.ADMINISTRATOR, Role.ANALYST, Role.STEWARD, Role.VIEWER
ROLES_OF: Mapping[Action, frozenset[Role]] = MappingProxyType(
    {
        Action.VALUES: frozenset({_A, _N, _S, _V}),
        Action.CATALOGUE: frozenset({_A, _N, _S, _V}),
        Action.RELEASES: frozenset({_A, _N, _S, _V}),
        Action.TOKENS: frozenset({_A, _N, _S, _V}),
        Action.FEEDS: frozenset({_A, _N, _S}),
        Action.RECORDS: frozenset({_A, _N, _S}),
        Action.RAW: frozenset({_A, _N, _S}),
        Action.QUARANTINE: frozenset({_A, _S}),
        Action.REPLAY: frozenset({_A, _S}),
        Action.OPEN_IDENTITY: frozenset({_A, _S}),
        Action.SEE_IDENTITY: frozenset({_A, _S}),
        Action.QUERY: frozenset({_A}),
        Action.PEOPLE: frozenset({_A}),
        Action.AUDIT: frozenset({_A}),
    }
)
# Not about any one organisation: a role anywhere in the tree is enough.
EVERYWHERE = frozenset({Action.CATALOGUE, Action.RELEASES, Action.TOKENS})
# What a token can never do, whoever holds it: these belong to a person at a page.
NEVER_BY_TOKEN = frozenset({Action.PEOPLE, Action.TOKENS, Action.OPEN_IDENTITY})
# What brings personal values to light: each allowed decision goes into the audit too.
PERSONAL = frozenset({Action.OPEN_IDENTITY, Action.SEE_IDENTITY, Action.QUERY})
