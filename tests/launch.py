"""Real servers as subprocesses on free ports: started, listened to, stopped in bounded time."""

import io
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from controlsurface.client import RemoteClient
from tests.forked_process import ForkedCollector, StartedProcess

FREE_PORTS = ("--api-port", "0", "--otlp-http-port", "0", "--otlp-grpc-port", "0")
SECONDS = 60.0  # a busy machine takes its time


class Server:
    """A started command and what it says."""

    def __init__(self, argv: Sequence[str], folder: Path, *, forked: bool = False) -> None:
        self.words = folder / "stderr.txt"
        self.ready: dict[str, str] = {}
        self._lines: queue.Queue[str] = queue.Queue()
        with self.words.open("w") as words:
            self.process: StartedProcess
            if forked:
                self.process = ForkedCollector(argv, words.fileno())
            else:
                command = [sys.executable, "-m", *argv]
                self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words, text=True)
        self._listener = threading.Thread(target=self._read, daemon=True)
        self._listener.start()

    def wait_for(self, *names: str) -> "Server":
        """Until the ready lines of these names were printed."""
        end = time.monotonic() + SECONDS
        while not self.ready.keys() >= set(names):
            assert self.process.poll() is None, self.words.read_text()
            assert time.monotonic() < end, self.words.read_text()
            self._take()
        return self

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and give the exit code."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(SECONDS)
        self._listener.join(SECONDS)
        return code

    def reader(self) -> RemoteClient:
        return RemoteClient(self.ready["api"])

    def _read(self) -> None:
        with self.process.stdout or io.StringIO() as lines:
            for line in lines:
                self._lines.put(line)

    def _take(self) -> None:
        try:
            found: dict[str, Any] = json.loads(self._lines.get(timeout=0.1))
        except queue.Empty:
            return
        self.ready[found["ready"]] = found["url"]


@contextmanager
def running(argv: Sequence[str], folder: Path, *, forked: bool = False) -> Iterator[Server]:
    """The command, or a forked collector with these flags; and in the end not."""
    server = Server(argv, folder, forked=forked)
    try:
        yield server
    finally:
        server.stop(signal.SIGKILL)


@contextmanager
def collector(folder: Path, *flags: str) -> Iterator[Server]:
    """A collector that is ready, on the data directory `folder / "data"`."""
    folder.mkdir(exist_ok=True)
    with running(("--data", str(folder / "data"), *flags), folder, forked=True) as server:
        yield server.wait_for("api", "otlp_http", "otlp_grpc")


def until(found: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """The first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def until_none(problem: Callable[[], str | None], seconds: float = SECONDS) -> None:
    """Wait until nothing is wrong any more; else fail with what is."""
    end = time.monotonic() + seconds
    while found := problem():
        assert time.monotonic() < end, found
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
