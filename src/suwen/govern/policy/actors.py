"""Who acts and on what: frozen, worked out before a decision, so that deciding reads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from suwen.govern.policy.actions import Action, Role

WHOLE = ""  # the unit of what is about the whole region


@dataclass(frozen=True)
class Resource:
    """What is acted on: an organisation of the tree (WHOLE: the whole region), and what of it, as the audit will name it (never a personal value).

    `anywhere`: a page that shows each reader only what lies within their own reach, so that any reach is enough.
    """

    unit: str = WHOLE
    subject: str = ""
    anywhere: bool = False


@dataclass(frozen=True)
class Grant:
    """One role over units: every one below the bound organisation today. `whole`: bound to the region as such."""

    role: Role
    bound_to: str
    units: frozenset[str]
    whole: bool = False

    def covers(self, resource: Resource) -> bool:
        """Whether it lies within."""
        return self.whole or resource.anywhere or (resource.unit != WHOLE and resource.unit in self.units)


@dataclass(frozen=True)
class Opening:
    """Identities opened for a stated purpose and still open: of the units, and of one subject where one is named."""

    units: frozenset[str]
    purpose: str
    subject: str = ""
    whole: bool = False

    def covers(self, resource: Resource) -> bool:
        """Whether it opens this."""
        inside = self.whole or resource.unit in self.units
        return inside and self.subject in ("", resource.subject)


@dataclass(frozen=True)
class Actor:
    """Who asks. `scope` None: a person at a page, else the actions a token was made for. `owner`: who can read the region's folder, on that machine."""

    name: str = ""
    active: bool = False
    grants: tuple[Grant, ...] = ()
    openings: tuple[Opening, ...] = ()
    scope: frozenset[Action] | None = None
    owner: bool = False
    needs_second_factor: bool = False
    needs_new_password: bool = False
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # unit -> its name in English and Chinese, for reasons


NOBODY = Actor()
OWNER = Actor("(owner)", active=True, owner=True)  # no account can have a name like these two
UNKNOWN = "(nobody)"
ANYWHERE = Resource(anywhere=True)
