"""The door to a region's control data for who has no business with Django: opened once, brought up to date, then asked by plain values."""

from __future__ import annotations

from django.core.management import call_command

from suwen.govern.settings import configure
from suwen.model.region import Region


class Control:
    """The control data of the region this process has opened."""

    def first_administrator(self) -> tuple[str, str] | None:
        """Name and password of the first account, where there was none."""
        from suwen.govern.people import accounts  # noqa: PLC0415 models can be read only once Django knows the region

        made = accounts.first_administrator()
        return (made[0].name, made[1]) if made else None


def opened(region: Region) -> Control:
    """Make Django ready for a region and bring its control database up to date."""
    configure(region)
    call_command("migrate", verbosity=0, interactive=False)
    return Control()
