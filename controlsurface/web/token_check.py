"""Whose token is shown, and how often a client may show a wrong one.

A client that is over the limit is told 429, whatever it shows next, so that it never learns whether a guess was right.
Only a token that it has shown rightly before still passes: a guesser behind the same proxy locks nobody out (OWASP,
"Slow Down Online Guessing Attacks with Device Cookies").
"""

import hmac
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from time import monotonic
from typing import Generic, TypeVar

from controlsurface.config.server_access import AuthConfig
from controlsurface.errors import Throttled
from controlsurface.web.refusal_counter import RefusalCounter

MAX_CLIENTS = 10_000  # whose failures are remembered; the oldest are forgotten first
IPV6_PREFIX_BITS = 64  # one customer's network

Clock = Callable[[], float]
T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class TokenCheck(Generic[T]):
    """The tokens of one server and their owners."""

    def __init__(
        self, owners: Iterable[tuple[str, T]], auth: AuthConfig, refusals: RefusalCounter, clock: Clock = monotonic
    ) -> None:
        self._owners = [(token.encode(), owner) for token, owner in owners]
        self._limit, self._window_s = auth.max_failures, auth.failure_window.total_seconds()
        self._refusals = refusals
        self._clock = clock
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()  # since when, and how many
        self._known: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._lock = threading.Lock()

    def owner(self, client: str, shown: bytes) -> T | None:
        """Whose token it is; None where it is nobody's. Raises Throttled where too many were wrong."""
        network, place = client_network(client), self._place(shown)
        with self._lock:
            wait_s = self._wait_s(network)
            if wait_s and (place is None or (network, place) not in self._known):
                text = f"{client} has shown {self._limit} wrong tokens and waits {wait_s:.0f} s"
                self._refusals.add("throttled", text)
                raise Throttled(f"too many wrong tokens; try again in {wait_s:.0f} s", max(round(wait_s), 1))
            if place is None:
                self._failed(network)
            else:
                _remember(self._known, (network, place), None)
        if place is None:
            self._refusals.add("token", f"{client} has shown a token that nobody has")
            return None
        return self._owners[place][1]

    def _place(self, shown: bytes) -> int | None:
        """Which token it is; takes as long for a near miss as for a far one."""
        found = [i for i, (token, _) in enumerate(self._owners) if hmac.compare_digest(shown, token)]
        return found[0] if found else None

    def _wait_s(self, network: str) -> float:
        """For how long this client is not listened to."""
        began, n = self._failures.get(network, (-math.inf, 0))
        return max(began + self._window_s - self._clock(), 0) if n >= self._limit else 0

    def _failed(self, network: str) -> None:
        began, n = self._failures.get(network, (-math.inf, 0))
        now = self._clock()
        _remember(self._failures, network, (now, 1) if began + self._window_s <= now else (began, n + 1))


def bearer_token(header: str) -> bytes:
    """The token of an Authorization header; empty where it is no bearer token. The scheme has no case (RFC 9110, 11.1).

    >>> bearer_token("bearer x"), bearer_token("Basic x")
    (b'x', b'')
    """
    scheme, _, token = header.strip().partition(" ")
    return token.strip().encode("latin-1", "replace") if scheme.lower() == "bearer" else b""


@lru_cache(MAX_CLIENTS)
def client_network(client: str) -> str:
    """Whose failures count together: an address, of IPv6 its network.

    >>> client_network("10.0.0.7"), client_network("2001:db8::7")
    ('10.0.0.7', '2001:db8::')
    """
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> (128 - IPV6_PREFIX_BITS) << (128 - IPV6_PREFIX_BITS)))


def _remember(places: "OrderedDict[K, V]", key: K, value: V) -> None:
    """Put it last, and forget the oldest over MAX_CLIENTS."""
    places[key] = value
    places.move_to_end(key)
    while len(places) > MAX_CLIENTS:
        places.popitem(last=False)
