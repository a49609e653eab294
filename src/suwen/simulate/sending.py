"""What an export sends: deliveries, each to be landed by one command, and the order in which they are sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, order=True)
class Delivery:
    """What is to be landed by one command. `folder`: below the export's; `window`: first and last day where the mode is window."""

    as_of: date
    feed: str
    folder: str
    mode: str
    window: tuple[date, date] | None = None


@dataclass(frozen=True, order=True)
class Sending:
    """A delivery on the day on which it is sent. `behind`: after the day's own, where it is late."""

    on: date
    behind: bool
    delivery: Delivery
