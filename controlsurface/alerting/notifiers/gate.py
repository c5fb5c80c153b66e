"""Where messages may go: public addresses and allowed private networks, and to whom certificates must be known."""

import socket
import ssl
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from controlsurface.errors import ConfigError, Refused, Undelivered

Network = IPv4Network | IPv6Network
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Gate:
    """Names are resolved here, and connections made to what was looked at: no second answer can come between."""

    allowed: tuple[Network, ...] = ()
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context, compare=False)

    def trusting(self, ca_file: str) -> "Gate":
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
        found = [each for each in _resolved(host, port) if self.admits(each)]
        if not found:
            raise Refused(f"{host}: is a private address; delivery.allow_networks can allow its network")
        for address in found:
            try:
                return socket.create_connection((str(address), port), timeout_s)
            except OSError as problem:
                last = problem.strerror or str(problem)
        raise Undelivered(f"{host}: {last}")

    def admits(self, address: str) -> bool:
        """Whether an address may be sent to; one that holds another (IPv4 in IPv6) counts as that."""
        found = _meant(ip_address(address.partition("%")[0]))
        if any(found in network for network in self.allowed if network.version == found.version):
            return True
        return found.is_global and not found.is_multicast


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise Undelivered(f"{host}: {getattr(problem, 'strerror', None) or 'cannot be resolved'}") from None
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address behind ::ffff:0:0/96, 6to4, Teredo and NAT64."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def told(problem: Exception) -> str:
    """What went wrong with a connection, without what a receiver may have said."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {problem.verify_message}"
    return type(problem).__name__
