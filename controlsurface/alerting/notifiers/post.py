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
from urllib.parse import SplitResult, urljoin, urlsplit

from controlsurface.alerting.notifiers.gate import Gate, told
from controlsurface.errors import Refused, Undelivered

__all__ = ["Answer", "Gate", "post"]

HOPS = 3  # redirects that keep the method
LONGEST = 65_536  # bytes of an answer that are read
LATER = {408, 425, 429}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def post(url: str, body: bytes, headers: Mapping[str, str], gate: Gate, timeout_s: float) -> Answer:
    """The answer with a status of 2xx. Raises Undelivered (with what Retry-After says) or Refused."""
    for _ in range(HOPS + 1):
        parts = urlsplit(url)
        answer = _exchange(parts, body, headers, gate, timeout_s)
        if answer.status not in {307, 308}:
            return _accepted(parts, answer)
        target = urljoin(url, answer.headers.get("location", ""))
        if parts.scheme == "https" and not target.startswith("https://"):
            raise Refused(f"{parts.hostname}: redirects to an address without TLS")
        url = target
    raise Refused(f"{parts.hostname}: redirects more than {HOPS} times")


def _accepted(parts: SplitResult, answer: Answer) -> Answer:
    """The answer, if it is one of success."""
    if 200 <= answer.status < 300:
        return answer
    text = f"{parts.hostname}: answered {answer.status}"
    if answer.status in LATER or answer.status >= 500:
        raise Undelivered(text, _retry_after_s(answer.headers.get("retry-after", "")))
    raise Refused(text)


def _exchange(parts: SplitResult, body: bytes, headers: Mapping[str, str], gate: Gate, timeout_s: float) -> Answer:
    """One request and its answer, over a connection that is cut when the time is up."""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Refused("redirects to what is no http or https address")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Refused(f"{parts.hostname}: has no such port") from None
    link = gate.connect(parts.hostname, port, timeout_s)
    late = threading.Event()
    alarm = threading.Timer(timeout_s, _cut, (link, late))
    alarm.start()
    try:
        return _asked(link, parts, body, headers, gate)
    except (OSError, http.client.HTTPException, ValueError) as problem:
        is_late = late.is_set() or isinstance(problem, TimeoutError)
        what = f"no answer within {timeout_s:g} s" if is_late else told(problem)
        raise Undelivered(f"{parts.hostname}: {what}") from None
    finally:
        alarm.cancel()
        link.close()


def _cut(link: socket.socket, late: threading.Event) -> None:
    """Wake whoever reads from or writes to the connection."""
    late.set()
    with suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)


def _asked(link: socket.socket, parts: SplitResult, body: bytes, headers: Mapping[str, str], gate: Gate) -> Answer:
    host = parts.netloc.rpartition("@")[2]
    connection = http.client.HTTPConnection(host)
    connection.sock = gate.secured(link, parts.hostname or "") if parts.scheme == "https" else link
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, {**headers, "Host": host, "Connection": "close"})
        with connection.getresponse() as found:
            content = found.read(LONGEST)
            if found.length and len(content) < LONGEST:  # a half answer is none, whatever its status says
                raise http.client.IncompleteRead(content, found.length)
            return Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, content)
    finally:
        connection.close()


def _retry_after_s(text: str) -> float | None:
    """Seconds, or until a date; None: nothing was said that can be understood (RFC 9110, section 10.2.3)."""
    with suppress(ValueError):
        seconds = float(text)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return None
