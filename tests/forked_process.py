"""Programs that import nothing any more: forks of one process that has imported all (fork_server.py)."""

import atexit
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Protocol


class StartedProcess(Protocol):
    """What a test does with a process: that of `subprocess`, or one that was forked."""

    @property
    def pid(self) -> int: ...
    @property
    def stdout(self) -> IO[str] | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float) -> int: ...
    def send_signal(self, sig: int) -> None: ...


class ForkedProcess:
    """Used as a process of `subprocess` is; `name` is "collector" or "command"."""

    def __init__(self, name: str, flags: Sequence[str], stdin: int, stdout: int, stderr: int) -> None:
        given = {"folder": str(Path.cwd()), "names": [*os.environ], "values": [*os.environ.values()]}
        self._status, status = os.pipe()
        request = json.dumps({"name": name, "flags": [*flags], **given}).encode()
        socket.send_fds(_fork_server(), [request], [stdin, stdout, stderr, status])
        os.close(status)
        self.pid = int(self._line())
        self._code: int | None = None

    def poll(self) -> int | None:
        return self._end(0)

    def wait(self, timeout: float) -> int:
        code = self._end(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("a forked process", timeout)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def _end(self, seconds: float) -> int | None:
        """The exit code, where it ended by then."""
        if self._code is None and select.select([self._status], [], [], seconds)[0]:
            self._code = int(self._line())
            os.close(self._status)
        return self._code

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            more = os.read(self._status, 1)
            assert more, "the fork server ended"
            line += more
        return line


class ForkedCollector(ForkedProcess):
    """A collector whose ready lines are read from `stdout`."""

    def __init__(self, flags: Sequence[str], stderr: int) -> None:
        out, stdout = os.pipe()
        with _no_input() as stdin:
            super().__init__("collector", flags, stdin, stdout, stderr)
        os.close(stdout)
        self.stdout = os.fdopen(out)


def start_command(arguments: Sequence[object], stdout: int, stderr: int) -> ForkedProcess:
    """`controlsurface` with these arguments, and no input."""
    with _no_input() as stdin:
        return ForkedProcess("command", [*map(str, arguments)], stdin, stdout, stderr)


def run_forked_command(arguments: Sequence[object], folder: Path) -> "subprocess.CompletedProcess[bytes]":
    """`controlsurface` with these arguments, and what it wrote into files of this folder."""
    out, err = folder / "stdout.bin", folder / "stderr.bin"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        code = start_command(arguments, stdout.fileno(), stderr.fileno()).wait(60)
    return subprocess.CompletedProcess([*map(str, arguments)], code, out.read_bytes(), err.read_bytes())


@contextmanager
def _no_input() -> Iterator[int]:
    file = os.open(os.devnull, os.O_RDONLY)
    try:
        yield file
    finally:
        os.close(file)


@cache
def _fork_server() -> socket.socket:
    """The socket of this process's own fork server, which ends when the socket is closed."""
    ours, its = socket.socketpair()
    with its:
        command = [sys.executable, "-m", "tests.fork_server", str(its.fileno())]
        process = subprocess.Popen(command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL)
    atexit.register(_end, ours, process)
    return ours


def _end(ours: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    ours.close()
    process.wait(60)
