"""A collector in a process of its own, to be measured from outside."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from controlsurface.client import RemoteClient
from controlsurface.client.queries.ingest_queries import IngestQuery
from controlsurface.client.queries.request_detail import Near, TraceQuery
from controlsurface.errors import NotFound, PartFailed, Unreachable

_READY_NAMES = {"api", "otlp_http", "otlp_grpc"}


@dataclass(frozen=True, slots=True)
class BenchCollector:
    """Where it listens, and what it says of itself."""

    api: str
    otlp_http: str
    pid: int
    reader: RemoteClient

    def drain(self, patience_s: float) -> None:
        """Return when everything that was answered can be queried. Raises Unreachable after `patience_s`."""
        end = time.monotonic() + patience_s
        while self.reader.run(IngestQuery()).pending:
            if time.monotonic() > end:
                raise Unreachable(f"{self.api}: still storing after {patience_s:g} s")
            time.sleep(0.02)

    def accepted(self) -> int:
        """Items answered so far; an item is stored when all that were accepted before it are."""
        return self.reader.run(IngestQuery()).accepted

    def has_stored(self, accepted: int) -> bool:
        """Whether that many items are stored; asks for counters alone, to leave the server its time."""
        return self.reader.run(IngestQuery()).counters["stored"] >= accepted

    def has_trace(self, trace_id: str, near: datetime) -> bool:
        """Whether a trace can be read."""
        try:
            self.reader.run(TraceQuery(trace_id, Near(near=near)))
        except NotFound:
            return False
        return True

    def cpu_s(self) -> float:
        """Seconds of processor time it used so far, with what it started."""
        if not self._processes():  # not Linux
            return self._own_metric("process_cpu_seconds_total")
        stats = [(process / "stat").read_text("utf-8").rpartition(")")[2].split() for process in self._processes()]
        return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Memory it holds, with what it started, in MB; where the system tells, the most each ever held."""
        if not self._processes():
            return self._own_metric("process_resident_memory_bytes") / 1e6
        statuses = [(process / "status").read_text("utf-8").splitlines() for process in self._processes()]
        most = [next(line for line in lines if line.startswith("VmHWM:")) for lines in statuses]
        return sum(int(line.split()[1]) for line in most) * 1024 / 1e6

    def _processes(self) -> list[Path]:
        """The server's process and its children, where the system shows them."""
        own = Path(f"/proc/{self.pid}")
        if not own.exists():
            return []
        children = (own / "task" / str(self.pid) / "children").read_text("utf-8").split()
        return [own, *(Path("/proc", child) for child in children)]

    def _own_metric(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.api}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


@contextmanager
def bench_collector(data: Path) -> Iterator[BenchCollector]:
    """A collector on free ports; stopped at the end. Raises PartFailed when it does not start."""
    command = [sys.executable, "-m", "controlsurface.collector", "--data", str(data)]
    for flag in ("--api-port", "--otlp-http-port", "--otlp-grpc-port"):
        command += [flag, "0"]
    with (
        (data / "stderr").open("w+", encoding="utf-8") as words,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words, text=True, env=_as_served()) as process,
    ):
        try:
            yield _ready_addresses(process, data / "stderr")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _as_served() -> dict[str, str]:
    """What `serve` gives a collector: no heap for each of its threads."""
    return {**os.environ, "MALLOC_ARENA_MAX": "2"}


def _ready_addresses(process: "subprocess.Popen[str]", words: Path) -> BenchCollector:
    """The addresses on its ready lines."""
    found: dict[str, str] = {}
    for line in process.stdout or ():
        table = json.loads(line)
        found[table["ready"]] = table["url"]
        if found.keys() >= _READY_NAMES:
            return BenchCollector(found["api"], found["otlp_http"], process.pid, RemoteClient(found["api"]))
    raise PartFailed(f"the collector ended before it was ready: {words.read_text('utf-8')}")
