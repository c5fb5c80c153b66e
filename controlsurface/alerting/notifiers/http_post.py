"""HTTP POST with a deadline over all of it, through the gate at every hop; a problem never names more than a host.

Standard library only: a connection of our own is what makes both the gate and the deadline certain.
"""

import http.client
import math
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from urllib.parse import SplitResult, urljoin, urlsplit

from controlsurface.alerting.notifiers.egress_policy import EgressPolicy, connection_problem
from controlsurface.errors import Refused, Undelivered

MAX_REDIRECTS = 3  # redirects that keep the method
MAX_RESPONSE_BYTES = 65_536  # bytes of an answer that are read
RETRYABLE_STATUSES = {408, 425, 429}


@dataclass(frozen=True, slots=True)
class PostResponse:
    """What a receiver said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class PostEndpoint:
    """Who takes JSON by POST: the address, the gate before it, and how long all of an exchange may take."""

    url: str
    gate: EgressPolicy
    timeout_s: float

    def post_json(self, body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> PostResponse:
        """The answer with a status of 2xx. Raises Undelivered (with what Retry-After says) or Refused."""
        url = self.url
        for _ in range(MAX_REDIRECTS + 1):
            parts = urlsplit(url)
            answer = self._exchange(parts, body, {"Content-Type": "application/json", **headers})
            if answer.status not in {307, 308}:
                return _success_or_raise(parts, answer)
            target = urljoin(url, answer.headers.get("location", ""))
            if parts.scheme == "https" and not target.startswith("https://"):
                raise Refused(f"{parts.hostname}: redirects to an address without TLS")
            url = target
        raise Refused(f"{parts.hostname}: redirects more than {MAX_REDIRECTS} times")

    def _exchange(self, parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> PostResponse:
        """One request and its answer, over a connection that is cut when the time is up."""
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Refused("redirects to what is no http or https address")
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise Refused(f"{parts.hostname}: has no such port") from None
        link = self.gate.connect(parts.hostname, port, self.timeout_s)
        late = threading.Event()
        alarm = threading.Timer(self.timeout_s, _shutdown, (link, late))
        alarm.start()
        try:
            return self._send_request(link, parts, body, headers)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            is_late = late.is_set() or isinstance(problem, TimeoutError)
            what = f"no answer within {self.timeout_s:g} s" if is_late else connection_problem(problem)
            raise Undelivered(f"{parts.hostname}: {what}") from None
        finally:
            alarm.cancel()
            link.close()

    def _send_request(
        self, link: socket.socket, parts: SplitResult, body: bytes, headers: Mapping[str, str]
    ) -> PostResponse:
        host = parts.netloc.rpartition("@")[2]
        connection = http.client.HTTPConnection(host)
        connection.sock = self.gate.secured(link, parts.hostname or "") if parts.scheme == "https" else link
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, {**headers, "Host": host, "Connection": "close"})
            with connection.getresponse() as found:
                content = found.read(MAX_RESPONSE_BYTES)
                if found.length and len(content) < MAX_RESPONSE_BYTES:  # half an answer is none, whatever its status
                    raise http.client.IncompleteRead(content, found.length)
                return PostResponse(found.status, {name.lower(): value for name, value in found.getheaders()}, content)
        finally:
            connection.close()


def _success_or_raise(parts: SplitResult, answer: PostResponse) -> PostResponse:
    """The answer, if it is one of success."""
    if 200 <= answer.status < 300:
        return answer
    text = f"{parts.hostname}: answered {answer.status}"
    if answer.status in RETRYABLE_STATUSES or answer.status >= 500:
        raise Undelivered(text, _retry_after_s(answer.headers.get("retry-after", "")))
    raise Refused(text)


def _shutdown(link: socket.socket, late: threading.Event) -> None:
    """Wake whoever reads from or writes to the connection."""
    late.set()
    with suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)


def _retry_after_s(text: str) -> float | None:
    """Seconds, or until a date; None: nothing was said that can be understood (RFC 9110, section 10.2.3)."""
    with suppress(ValueError):
        seconds = float(text)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return None
