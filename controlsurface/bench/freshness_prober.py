"""How soon after its answer a body can be read: one body after the other, beside a load."""

import threading
import time
from datetime import UTC, datetime

from controlsurface.bench.bench_collector import BenchCollector
from controlsurface.bench.body_sender import BodySender
from controlsurface.bench.otlp_bodies import first_trace_id

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
