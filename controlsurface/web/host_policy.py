"""Which names a server answers to, and which pages may change something through it.

A page whose name was made to point here (DNS rebinding) is told by its Host header: that is the one thing it cannot
choose. A page elsewhere that sends a request here is told by its Origin.
"""

import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from controlsurface.config.server_access import ServerConfig

_HOST_HEADER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?", re.ASCII)
_MAX_CACHED_NAMES = 4096  # answers about Host headers; any text can stand in one


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """The names of one server. `local`: it listens on loopback alone, so no other address leads to it."""

    names: frozenset[str]
    origins: frozenset[str] = frozenset()
    local: bool = True

    @staticmethod
    def of(bound: str, section: ServerConfig) -> "HostPolicy":
        """The policy of a server that listens on `bound`: the names of the configuration, its own, and loopback."""
        local = _is_loopback(bound)
        own = {bound.lower()} if local else {bound.lower(), socket.gethostname().lower()}
        return HostPolicy(frozenset({"localhost", *own, *section.hosts}), frozenset(section.origins), local)

    def serves(self, host: str) -> bool:
        """Whether a Host header names this server.

        >>> local = HostPolicy(frozenset({"localhost"}))
        >>> [local.serves(each) for each in ("localhost:8502", "127.0.0.1", "[::1]:1", "evil.example", "10.0.0.1")]
        [True, True, True, False, False]
        """
        return _serves(self, host)

    def trusts(self, origin: str, host: str) -> bool:
        """Whether a page of this origin may change something: our own, or one that the configuration names.

        >>> local = HostPolicy(frozenset({"localhost"}))
        >>> local.trusts("http://localhost:8501", "localhost:8501"), local.trusts("null", "localhost:8501")
        (True, False)
        """
        if origin.lower() in self.origins:
            return True
        parts = urlsplit(origin)
        return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower() != ""


@lru_cache(_MAX_CACHED_NAMES)
def _serves(policy: HostPolicy, host: str) -> bool:
    found = _HOST_HEADER.fullmatch(host)
    if not found:
        return False
    name = found[1].strip("[]").lower().rstrip(".")
    if name in policy.names:
        return True
    if _is_loopback(name):
        return True
    # An address in a Host header was typed as one: only names can be made to point elsewhere.
    if not policy.local and _is_address(name):
        return True
    return any(name.endswith(each[1:]) for each in policy.names if each.startswith("*."))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    if not _is_address(name):
        return name == "localhost"
    address = ip_address(name)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
