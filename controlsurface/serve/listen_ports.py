"""Which ports to listen on: free ones for 0, an error where another program already listens."""

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace

from controlsurface.errors import ConfigError, PortInUse
from controlsurface.web.listener import bound, in_use


@dataclass(frozen=True, slots=True)
class ListenPorts:
    """One port a ready line; 0 asks for any free one."""

    api: int
    otlp_http: int
    otlp_grpc: int
    dashboard: int


@contextmanager
def reserve_ports(host: str, ports: ListenPorts) -> Iterator[ListenPorts]:
    """The same ports with a free one in place of each 0. Raises PortInUse naming every port that is taken.

    Linux lets our parts listen on a port that we have bound and do not listen on, and gives it to nobody else: there
    they stay bound, so that no port is lost before a part takes it or while one is started again.
    """
    found: dict[str, int] = {}
    taken: list[str] = []
    with ExitStack() as held:  # all at once, so that no two get the same
        for field in fields(ports):
            wanted: int = getattr(ports, field.name)
            try:
                found[field.name] = held.enter_context(bound(host, wanted)).getsockname()[1]
            except OSError as problem:
                taken.append(str(in_use(field.name, host, wanted, problem)))
        if taken:
            raise PortInUse("\n".join(taken))
        if sys.platform != "linux":
            held.close()
        yield replace(ports, **found)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_token_beyond_loopback(host: str, token: str) -> None:
    """Refuse to be reachable from elsewhere without a token. Raises ConfigError."""
    if not is_loopback(host) and not token:
        raise ConfigError(
            f"--host {host}: others could read and write everything; set `token` under [auth] in the configuration, "
            "or listen on 127.0.0.1"
        )
