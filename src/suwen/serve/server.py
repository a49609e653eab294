"""The server process: the region's pages over HTTP, its control database brought up to date first."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

import waitress

from suwen.base.errors import SuwenError
from suwen.govern.control import opened
from suwen.model.region import Region

# Every reader's browser holds a connection open; threads are for what is answered at one time.
_HANDLING = {"threads": 16, "connection_limit": 1000, "backlog": 1024, "channel_timeout": 60, "asyncore_use_poll": True, "max_request_body_size": 8 << 20}


def serve(region: Region, address: str, port: int, said: Callable[[str], None]) -> None:
    """Serve a region until the process is ended. `said` is told the address, and name and password of a first administrator, once."""
    if not region.server.public and not _own_machine(address):
        raise SuwenError(
            f"{address} can be reached from other machines, and nothing here speaks https",
            where="--address",
            expected="an address of this machine alone, such as 127.0.0.1",
            do="set [server] public in region.toml to the https address of the proxy before it",
        )
    control = opened(region)
    from suwen.serve.wsgi import application  # noqa: PLC0415 Django must know the region first

    control.forget_sessions()
    if first := control.first_administrator():
        said(f"first administrator: name {first[0]}, password {first[1]} (not shown again)")
    try:
        server = waitress.create_server(application, host=address, port=port, ident=None, **_HANDLING, **_proxy(region))
    except OSError as error:
        raise SuwenError(f"the port cannot be had: {(error.strerror or '').lower()}", where=f"{address}:{port}", do="give another one with --port") from None
    except ValueError:
        raise SuwenError("this is no address to listen at", where="--address", expected="an address of this machine, such as 127.0.0.1 or ::1") from None
    said(f"{region.name} is served at {region.server.public or f'http://{_shown(address)}:{server.effective_port}'} (end with Ctrl+C)")
    server.run()


def _own_machine(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _shown(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _proxy(region: Region) -> dict[str, object]:
    """What the proxy on the same machine says of the client is believed; nobody else is."""
    if not region.server.public:
        return {"clear_untrusted_proxy_headers": True}
    trusted = {"x-forwarded-for", "x-forwarded-proto"}
    return {"trusted_proxy": "127.0.0.1", "trusted_proxy_count": 1, "trusted_proxy_headers": trusted, "clear_untrusted_proxy_headers": True}
