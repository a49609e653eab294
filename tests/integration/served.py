"""A small simulated region with defects, served to test clients as every role; made once per process, since Django serves one region."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from suwen.cli.main import main
from suwen.flow.region import open_region
from suwen.govern.control import opened
from suwen.govern.policy.actions import Role
from suwen.model.region import Region

# A second district whose one hospital came from the first on 1 July 2024, and a health centre that closed; none of them sends anything.
MORE_ORGANISATIONS = """\
990102,Lindu district,林渡区,990100,district,,990102,,2000-01-01,
H0008,Second Hospital of Mudu,沐渡第二医院,990101,hospital,level 2 general hospital,990101,,2000-01-01,2024-06-30
H0008,Second Hospital of Mudu,沐渡第二医院,990102,hospital,level 2 general hospital,990102,,2024-07-01,
H0009,Closed Health Centre,已关停卫生服务中心,990102,hospital,level 1 community health centre,990102,,2000-01-01,2023-12-31
"""
PASSWORD = "heron-quartz-lantern-42"
# who is who: name -> (role, unit); "nothing" has an account without a role
PEOPLE: dict[str, tuple[Role, str] | None] = {
    "administrator": (Role.ADMINISTRATOR, ""),
    "district-administrator": (Role.ADMINISTRATOR, "990101"),
    "analyst": (Role.ANALYST, ""),
    "district-analyst": (Role.ANALYST, "990102"),
    "steward": (Role.STEWARD, "H0001"),
    "viewer": (Role.VIEWER, "990100"),
    "nothing": None,
}
_addresses = itertools.count(1)


def make(folder: Path) -> Region:
    """Simulate three hospitals with defects, add organisations, land and run."""
    assert main(["simulate", str(folder), "--hospitals", "3", "--persons", "60", "--years", "1", "--seed", "1"]) == 0
    organisations = folder / "region" / "organisations.csv"
    organisations.write_text(organisations.read_text("utf-8") + MORE_ORGANISATIONS, encoding="utf-8")
    assert main(["land", "--manifest", str(folder / "exports" / "deliveries.csv"), "--region", str(folder / "region")]) == 0
    assert main(["run", "--region", str(folder / "region")]) == 0
    return open_region(folder / "region")


class Served:
    """The region under test clients: `client("analyst")` is signed in as that one of PEOPLE, `client()` as nobody."""

    def __init__(self, region: Region, folder: Path) -> None:
        self.region, self.folder = region, folder
        opened(region)
        for name, held in PEOPLE.items():
            self.add(name, *([held] if held else []))

    def add(self, name: str, *roles: tuple[Role, str]) -> Any:
        """An account with the password PASSWORD and roles over units."""
        from suwen.govern.people import accounts  # noqa: PLC0415 models can be read only once Django knows the region

        user, _ = accounts.add(name, "tests")
        user.set_password(PASSWORD)
        user.must_change_password = False
        user.save()
        for role, unit in roles:
            accounts.bind(user, role, unit, "tests")
        return user

    def client(self, name: str = "", **settings: Any) -> Any:
        """A client from an address of its own."""
        from django.test import Client  # noqa: PLC0415 as above

        from suwen.govern.people.accounts import account  # noqa: PLC0415

        number = next(_addresses)
        client = Client(REMOTE_ADDR=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", HTTP_HOST="localhost", **settings)
        if name:
            client.force_login(account(name))
            began(client)
        return client


_SHARED: list[Served] = []


def shared(folders: Any) -> Served:
    """The one served region of this process, made when it is first asked for; `folders`: pytest's tmp_path_factory."""
    if not _SHARED:
        folder = folders.mktemp("served")
        _SHARED.append(Served(make(folder), folder))
    return _SHARED[0]


def began(client: Any, ago: int = 0, idle: int = 0) -> None:
    """Say when a client's session began, and when it was last used, in seconds before now."""
    from suwen.base.clock import now  # noqa: PLC0415
    from suwen.serve.sessions import BEGUN, SEEN  # noqa: PLC0415

    session = client.session
    session[BEGUN], session[SEEN] = int(now().timestamp()) - ago, int(now().timestamp()) - idle
    session.save()
