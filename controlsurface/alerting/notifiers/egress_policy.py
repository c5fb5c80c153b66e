"""Where messages may go: public addresses and allowed private networks, and to whom certificates must be known."""

import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from controlsurface.errors import ConfigError, Refused, Undelivered

IpNetwork = IPv4Network | IPv6Network
IpAddress = IPv4Address | IPv6Address

_GLOBAL_UNICAST_NETWORK = IPv6Network("2000::/3")  # all that IANA has given out for the internet as a whole
_IPV4_SUFFIX_NETWORKS = tuple(  # v4-mapped, v4-compatible, SIIT (RFC 2765), NAT64 (RFC 6052)
    map(IPv6Network, ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
)
_ISATAP_UNIVERSAL_BIT = 0x0200_0000  # ISATAP (RFC 5214): the bit that says whether the embedded address is unique
_ISATAP_IDENTIFIER = 0x0000_5EFE
# What IANA's special-purpose registries keep off the internet, where Python's own list may be older than they are.
_SPECIAL_NETWORKS = tuple(
    map(ip_network, "192.0.0.0/24 192.88.99.0/24 2001::/32 2001:2::/48 2001:10::/28 3fff::/20".split())
)


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Names are resolved here, and connections made to what was looked at: no second answer can come between."""

    allowed: tuple[IpNetwork, ...] = ()
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context, compare=False)

    def trusting(self, ca_file: str) -> "EgressPolicy":
        """The same, where authorities in a PEM file are trusted besides the system's. Raises ConfigError."""
        if not ca_file:
            return self
        try:
            trust = ssl.create_default_context()
            trust.load_verify_locations(ca_file)
        except OSError as problem:  # an SSLError is one, too
            raise ConfigError(f"ca_file: {ca_file}: {problem.strerror or 'holds no certificate'}") from None
        return replace(self, trust=trust)

    def secured(self, link: socket.socket, host: str) -> ssl.SSLSocket:
        """The connection under TLS, to a server whose certificate is for `host` and of a trusted authority."""
        return self.trust.wrap_socket(link, server_hostname=host)

    def connect(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """A TCP connection to the first address that may be reached and answers. Raises Undelivered, Refused."""
        found = [each for each in _resolve_host(host, port) if self.admits(each)]
        if not found:
            raise Refused(f"{host}: is a private address; delivery.allow_networks can allow its network")
        for address in found:
            try:
                return socket.create_connection((str(address), port), timeout_s)
            except OSError as problem:
                last = problem.strerror or str(problem)
        raise Undelivered(f"{host}: {last}")

    def admits(self, address: str) -> bool:
        """Whether an address may be sent to; one that holds others (IPv4 in IPv6) may if all of them may."""
        found = ip_address(address.partition("%")[0])
        return all(_within(each, self.allowed) or is_public(each) for each in embedded_addresses(found))


def _resolve_host(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise Undelivered(f"{host}: {getattr(problem, 'strerror', None) or 'cannot be resolved'}") from None
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def is_public(address: IpAddress) -> bool:
    """Whether the internet routes to it."""
    routed = address.version == 4 or address in _GLOBAL_UNICAST_NETWORK
    return routed and address.is_global and not address.is_multicast and not _within(address, _SPECIAL_NETWORKS)


def embedded_addresses(address: IpAddress) -> tuple[IpAddress, ...]:
    """Where packets to an address may come out: itself, or the IPv4 addresses that are written in it.

    64:ff9b:1::/48 stays as it is: where it has an address in it is a network's own choice, and it is never public.
    """
    if isinstance(address, IPv4Address):
        return (address,)
    last = IPv4Address(int(address) & 0xFFFF_FFFF)
    if int(address) > 1 and _within(address, _IPV4_SUFFIX_NETWORKS):
        return (last,)
    if address.sixtofour:
        return (address.sixtofour,)
    if address.teredo:
        return address.teredo
    is_isatap = int(address) >> 32 & 0xFFFF_FFFF & ~_ISATAP_UNIVERSAL_BIT == _ISATAP_IDENTIFIER
    return (address, last) if is_isatap else (address,)


def _within(address: IpAddress, networks: Iterable[IpNetwork]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def connection_problem(problem: Exception) -> str:
    """What went wrong with a connection, without what a receiver may have said."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {problem.verify_message}"
    return type(problem).__name__
