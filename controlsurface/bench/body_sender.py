"""Sends bodies over several connections, as fast as they are answered or at a rate; how soon one can be read."""

import http.client
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from controlsurface.bench.bench_collector import BenchCollector
from controlsurface.bench.otlp_bodies import BodyTemplate, first_trace_id
from controlsurface.errors import Unreachable

_HEADERS = {"Content-Type": "application/x-protobuf"}


@dataclass(slots=True)
class SentBodies:
    """What was acknowledged: bodies, and the seconds each took from its first byte to its answer."""

    bodies: int = 0
    refused: int = 0
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BodySender:
    """A source of bodies for one server; numbers never repeat, so neither do traces."""

    url: str
    template: BodyTemplate
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def flood(self, connections: int, seconds: float) -> SentBodies:
        """As fast as the server answers."""
        return self._run(connections, seconds, pace=lambda _: 0.0)

    def trickle(self, connections: int, seconds: float, spans_per_s: float) -> SentBodies:
        """At a steady rate over all connections, whatever the answers take."""
        gap = connections * self.template.spans / spans_per_s
        return self._run(connections, seconds, pace=lambda turn: turn * gap)

    def one(self) -> int:
        """Send one body on a connection of its own; its number."""
        number = next(self.numbers)
        connection = _connection(self.url)
        _post(connection, self.template.body(number), SentBodies())
        connection.close()
        return number

    def _run(self, connections: int, seconds: float, pace: Callable[[int], float]) -> SentBodies:
        with ThreadPoolExecutor(connections) as pool:
            began = time.monotonic()
            starts = [began + pace(1) * each / connections for each in range(connections)]
            parts = list(pool.map(lambda start: self._connection(start, began + seconds, pace), starts))
        return SentBodies(
            sum(part.bodies for part in parts),
            sum(part.refused for part in parts),
            [each for part in parts for each in part.seconds],
        )

    def _connection(self, start: float, end: float, pace: Callable[[int], float]) -> SentBodies:
        """One connection's work from `start` to `end`."""
        sent, connection = SentBodies(), _connection(self.url)
        for turn in itertools.count():
            due = start + pace(turn)
            if max(due, time.monotonic()) >= end:
                break
            time.sleep(max(0.0, due - time.monotonic()))
            body = self.template.body(next(self.numbers))
            began = time.perf_counter()
            _post(connection, body, sent)
            sent.seconds.append(time.perf_counter() - began)
            sent.bodies += 1
        connection.close()
        return sent


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)


def _post(connection: http.client.HTTPConnection, body: bytes, sent: SentBodies) -> None:
    """Send until it is taken, waiting as long as the server asks for. Raises Unreachable."""
    while True:
        try:
            connection.request("POST", "/v1/traces", body, _HEADERS)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as problem:
            raise Unreachable(f"{connection.host}:{connection.port}: {problem}") from None
        if answer.status == 200:
            return
        if answer.status not in {429, 503}:
            raise Unreachable(f"{connection.host}:{connection.port}: answered {answer.status} {answer.reason}")
        sent.refused += 1
        time.sleep(float(answer.headers.get("Retry-After", "1")))


_MAX_DELAY_S = 30.0  # a body that cannot be read by then counts with this much
_PAUSE_S = 0.05


class FreshnessProber(threading.Thread):
    """Probes until the time is over; `seconds` holds what it found."""

    def __init__(self, server: BenchCollector, sender: BodySender, duration_s: float) -> None:
        super().__init__(daemon=True)
        self._server, self._sender = server, sender
        self._end = time.monotonic() + duration_s
        self.seconds: list[float] = []

    def run(self) -> None:
        """One body after the other."""
        while time.monotonic() < self._end:
            self.seconds.append(self._probe())

    def _probe(self) -> float:
        """Seconds from the answer until its trace is there."""
        number, near = self._sender.one(), datetime.now(UTC)
        began = time.perf_counter()
        accepted = self._server.accepted()
        while (waited := time.perf_counter() - began) < _MAX_DELAY_S:
            if self._server.has_stored(accepted) and self._server.has_trace(first_trace_id(number), near):
                break
            time.sleep(_PAUSE_S)
        return waited
