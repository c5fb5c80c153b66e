"""A real collector under bodies made to hang it: other senders are answered and seen, and memory stays bounded."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from controlsurface.ingest.wire.otlp_request import RequestBody
from tests.fuzz.hostile import MIB, compressed, zoo
from tests.ingest.otlp_bodies import span, traces
from tests.launch import Server, collector, until

ANSWERED_S, SEEN_S = 2.0, 5.0  # on a machine that does nothing else
MEMORY_MIB = 1200
SIZE = 16 * MIB  # inflated
KINDS = [
    "empty resources",
    "empty attributes",
    "values of many",
    "distinct names of many",
    "mixed",
    "JSON: not Unicode, many values",
]


class Memory(threading.Thread):
    """The greatest resident memory of a process and its children."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self.peak_mib, self._stop_now = pid, 0.0, threading.Event()

    def run(self) -> None:
        while not self._stop_now.wait(0.02):
            with suppress(FileNotFoundError):
                children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
                self.peak_mib = max(self.peak_mib, sum(map(resident_mib, [self._pid, *map(int, children)])))

    def stop(self) -> float:
        self._stop_now.set()
        self.join()
        return self.peak_mib


def resident_mib(pid: int) -> float:
    with suppress(FileNotFoundError, ProcessLookupError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB
    return 0


def send(server: Server, body: RequestBody) -> int:
    """The status of the answer."""
    kind = "application/x-protobuf" if body.encoding == "protobuf" else "application/json"
    headers = {"Content-Type": kind} | ({"Content-Encoding": "gzip"} if body.coding == "gzip" else {})
    url = f"{server.ready['otlp_http']}/v1/{body.signal}"
    return requests.post(url, body.data, headers=headers, timeout=30).status_code


@contextmanager
def meanwhile(server: Server, body: RequestBody, said: list[int]) -> Iterator[None]:
    """A hostile body is on its way."""
    thread = threading.Thread(target=lambda: said.append(send(server, body)))
    thread.start()
    time.sleep(0.1)
    yield
    thread.join(30)


def good(server: Server) -> tuple[float, float]:
    """Seconds until a good body is answered, and until its trace can be read."""
    trace, now = os.urandom(16), time.time_ns()
    own = span({"gen_ai.request.model": "m"}, trace, os.urandom(8))
    own.start_time_unix_nano, own.end_time_unix_nano = now, now + 10**6
    began = time.monotonic()
    assert send(server, RequestBody("traces", traces(own).SerializeToString())) == 200
    answered = time.monotonic() - began
    until(lambda: has_trace(server, trace.hex()), 30)
    return answered, time.monotonic() - began


def has_trace(server: Server, trace: str) -> bool:
    near = datetime.now(UTC).isoformat()
    url = f"{server.ready['api']}/api/v1/traces/{trace}"
    return requests.get(url, params={"near": near}, timeout=30).status_code == 200


@pytest.mark.xdist_group("hostile")
def test_the_collector_answers_a_good_body_after_any_hostile_one_in_bounded_memory(
    tmp_path: Path,
) -> None:
    with collector(tmp_path) as server:
        memory = Memory(server.process.pid)
        memory.start()
        good(server)
        for kind in KINDS:
            said: list[int] = []
            with meanwhile(server, compressed(zoo(SIZE)[kind]()), said):
                answered, seen = good(server)
            slow = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # what others do here takes time from us
            assert said[0] in {200, 400}, kind
            assert answered < ANSWERED_S * slow, (kind, answered)
            assert seen < SEEN_S * slow, (kind, seen)
        assert memory.stop() < MEMORY_MIB
        assert requests.get(f"{server.ready['api']}/readyz", timeout=5).status_code == 200
