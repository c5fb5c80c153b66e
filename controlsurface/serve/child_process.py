"""One child process: started so that it cannot outlive us, its words passed on, its readiness noticed."""

import asyncio
import ctypes
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_MAX_LINE_BYTES = 1 << 20  # longest line of a child's output, bytes
_PR_SET_PDEATHSIG = 1  # PR_SET_PDEATHSIG, linux/prctl.h
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

Announce = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run, and how it says that it is ready: its own lines, or a page that answers."""

    name: str
    argv: tuple[str, ...]
    announces: tuple[str, ...] = ()
    url: str = ""
    health: str = ""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    folder: Path | None = None
    once: bool = False  # not started again, however it ends


@dataclass(slots=True)
class ChildProcess:
    """A started part."""

    part: ProcessSpec
    process: asyncio.subprocess.Process
    ready: asyncio.Event

    async def ended(self, announce: Announce) -> int:
        """Wait for the end, passing on what it says meanwhile; the exit code."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(announce))
            tasks.create_task(self._relay())
            watching = tasks.create_task(self._watch(announce))
            code = await self.process.wait()
            watching.cancel()
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.process.returncode is None:
            self.process.send_signal(number)

    async def _listen(self, announce: Announce) -> None:
        """Ready lines on its standard output; everything else there is words."""
        waiting = set(self.part.announces)
        async for line in _lines(self.process.stdout):
            if found := _ready_line(line):
                announce(*found)
                waiting.discard(found[0])
                if not waiting and self.part.announces:
                    self.ready.set()
            else:
                print_process_line(self.part.name, line)

    async def _relay(self) -> None:
        async for line in _lines(self.process.stderr):
            print_process_line(self.part.name, line)

    async def _watch(self, announce: Announce) -> None:
        """Ask the health page until it answers."""
        if not self.part.health:
            return
        while not await is_healthy(self.part.url + self.part.health):  # noqa: ASYNC110 - no event tells us
            await asyncio.sleep(0.05)
        self.ready.set()
        announce(self.part.name, self.part.url)


async def start_process(part: ProcessSpec) -> ChildProcess:
    """Start the part in a session of its own, so that ^C on the terminal reaches only us."""
    process = await asyncio.create_subprocess_exec(
        *part.argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=part.environment,
        cwd=part.folder,
        limit=_MAX_LINE_BYTES,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()),
    )
    return ChildProcess(part, process, asyncio.Event())


def print_process_line(name: str, line: str) -> None:
    """One line on standard error, with its speaker."""
    sys.stderr.write(f"{name}: {line}\n")
    sys.stderr.flush()


async def is_healthy(address: str) -> bool:
    """Whether a page says 200."""
    parts = urlsplit(address)
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _die_with(parent: int) -> Callable[[], None] | None:
    """Run in the child before the program: ask the kernel to end it when we end, however that happens."""
    if _LIBC is None:
        return None
    prctl = _LIBC.prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # too late to be told
            os._exit(0)

    return ask


async def _lines(stream: asyncio.StreamReader | None) -> AsyncIterator[str]:
    """Lines as text until the end; one that is too long comes in pieces."""
    while stream and (line := await _line(stream)):
        yield line.decode("utf-8", "replace").rstrip()


async def _line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readuntil()
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError as long:
        return await stream.readexactly(long.consumed)


def _ready_line(line: str) -> tuple[str, str] | None:
    """The name and address of a ready line; None for any other."""
    if not line.startswith('{"ready"'):
        return None
    table = json.loads(line)
    return table["ready"], table["url"]
