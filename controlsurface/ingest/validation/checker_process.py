"""Where bodies are checked: here, or apart, in a process whose Python lock no other thread waits for.

A body that ends the process apart (by a fault in a parser, or by using up the memory), or that keeps it longer than
`receiver.check_timeout`, harms nothing but itself: another process takes its place. A watch also asks an idle process
for a sign of life.
"""

import ctypes
import fcntl
import gc
import logging
import os
import resource
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Protocol
from zlib import crc32

from controlsurface.config import MIB, ContentConfig, ReceiverConfig
from controlsurface.errors import BadBody, Busy, ControlSurfaceError, OverLimit
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.limits import BodyLimits
from controlsurface.ingest.translate.vocabulary import Vocabulary
from controlsurface.ingest.validation.validate import ValidatedBody, validate_body
from controlsurface.ingest.wire.otlp_request import RequestBody

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.5  # between looks at the process
PING_AFTER_IDLE_S = 2.0  # of idleness, after which it is asked for a sign of life
PING_TIMEOUT_S = 2.0  # for that sign, where it is not still starting
START_TIMEOUT_S = 30.0  # for the first answer of a new process
SLOW_BODY_S = 4.0  # with one body, from which on no traffic should come here
_MAX_REMEMBERED_BODIES = 64  # bodies remembered over which a process hung
_MEMORY_BYTES_AND_FACTOR = (
    256 * MIB,
    16,
)  # of the process: so much, and so many times the largest body (JSON sets 12 aside)
_MALLOC_BYTES = {-1: 32 * MIB, -3: 4 * MIB}  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD: free memory kept, mapped apart
_PIPE_BYTES = 1 << 20  # bytes
_END_TIMEOUT_S = 2.0  # for a process that is told to end
_CONNECTION_LOST_ERRORS = (EOFError, OSError)  # what a connection says whose other end is gone
_PING_BODY = RequestBody("traces", b"")


class BodyChecker(Protocol):
    """Decompresses and checks bodies, one at a time."""

    def check(self, body: RequestBody) -> tuple[ValidatedBody, int]:
        """The body as it may be kept, and its bytes after decompression. Raises BadBody, TooLarge, OverLimit, Busy."""
        ...

    @property
    def problem(self) -> str:
        """Why bodies are not checked at the moment; empty while they are."""
        ...

    @property
    def restarts(self) -> int:
        """How often the process had to be replaced."""
        ...

    def close(self) -> None:
        """Check no more."""
        ...


class InlineChecker:
    """In the caller's thread."""

    problem = ""
    restarts = 0

    def __init__(self, prompts: ContentPolicy) -> None:
        self._prompts = prompts

    def check(self, body: RequestBody) -> tuple[ValidatedBody, int]:
        """As Checker."""
        data = body.plain()
        return validate_body(body.signal, data, body.encoding, self._prompts), len(data)

    def close(self) -> None:
        """As Checker."""


class ProcessChecker:
    """In a process of its own, which ends with this one and is replaced when it ends or hangs before."""

    def __init__(
        self,
        content: ContentConfig,
        vocabularies: Iterable[Vocabulary],
        task_types: Iterable[str] = (),
        receiver: ReceiverConfig | None = None,
    ) -> None:
        limits = receiver or ReceiverConfig()
        self._policy = (content, tuple(vocabularies), tuple(task_types), BodyLimits.of(limits))
        self._memory = _MEMORY_BYTES_AND_FACTOR[0] + _MEMORY_BYTES_AND_FACTOR[1] * limits.max_http_body
        self._timeout_s = limits.check_timeout.total_seconds()
        self._hung: deque[tuple[int, int]] = deque(maxlen=_MAX_REMEMBERED_BODIES)
        self._lock = threading.Lock()  # one body at a time
        self._since = self._until = 0.0  # when the body under way came, and by when it must be answered; 0: none is
        self._answered = time.monotonic()
        self._overdue = self._has_answered = False
        self._closing = threading.Event()
        self.restarts = 0
        self._start()
        self._watch = threading.Thread(target=self._follow, name="checker-watch", daemon=True)
        self._watch.start()

    def check(self, body: RequestBody) -> tuple[ValidatedBody, int]:
        """As Checker."""
        with self._lock:
            for _ in range(2):  # the process may have ended before it was given this body
                try:
                    return self._asked(body, self._timeout_s)
                except _CONNECTION_LOST_ERRORS:
                    self._replace()
                    if self._overdue:
                        raise self._gave_up(body) from None
        raise BadBody(f"the process that checks bodies ended twice over this one of {len(body.data)} bytes")

    @property
    def problem(self) -> str:
        """As Checker."""
        since = self._since
        if since and time.monotonic() - since > SLOW_BODY_S:
            return f"the process that checks bodies is busy with one since {time.monotonic() - since:.0f} s"
        return ""

    def close(self) -> None:
        """As Checker."""
        self._closing.set()
        self._watch.join()
        self._end()

    def _gave_up(self, body: RequestBody) -> ControlSurfaceError:
        """The first time the fault may be the process's own, the second time it is the body's."""
        sign = len(body.data), crc32(body.data)
        text = f"the check of a body of {len(body.data)} bytes took longer than receiver.check_timeout"
        if sign in self._hung:
            return OverLimit(f"{text}, twice; send smaller batches")
        self._hung.append(sign)
        return Busy(text)

    def _asked(self, body: RequestBody, timeout_s: float) -> tuple[ValidatedBody, int]:
        """The answer of the process. The watch kills it after `timeout_s`, which ends every wait for it."""
        self._overdue = False
        self._since = time.monotonic()
        self._until = self._since + (timeout_s if self._has_answered else max(timeout_s, START_TIMEOUT_S))
        try:
            self._to.send(body)
            said: tuple[ValidatedBody, int, bool] | Exception = self._from.recv()
        finally:
            self._since = self._until = 0.0
        self._has_answered, self._answered = True, time.monotonic()
        if isinstance(said, Exception):
            raise said
        checked, size, untouched = said
        return replace(checked, payload=body.data) if untouched else checked, size

    def _follow(self) -> None:
        """On the watch: end a process that is overdue, and ask an idle one for a sign of life."""
        while not self._closing.wait(POLL_INTERVAL_S):
            until = self._until
            if until and time.monotonic() > until:
                self._overdue = True
                self._process.kill()
            elif time.monotonic() - self._answered > PING_AFTER_IDLE_S and self._lock.acquire(blocking=False):
                threading.Thread(target=self._ping, name="checker-ping", daemon=True).start()

    def _ping(self) -> None:
        """Ask for a sign of life; the lock is held, and given back."""
        try:
            self._asked(_PING_BODY, PING_TIMEOUT_S)
        except _CONNECTION_LOST_ERRORS:
            if not self._closing.is_set():
                self._replace()
        finally:
            self._lock.release()

    def _replace(self) -> None:
        why = "gave no answer" if self._overdue else "ended"
        log.warning("the process that checks bodies %s; starting another", why)
        self.restarts += 1
        self._end()
        self._start()

    def _end(self) -> None:
        self._to.close()
        try:
            self._process.wait(0 if self._overdue else _END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._from.close()

    def _start(self) -> None:
        (body_out, body_in), (answer_out, answer_in) = _pipe(), _pipe()
        command = [sys.executable, "-m", __name__, str(body_out), str(answer_in), str(self._memory)]
        # In a session of its own: who interrupts the server from a terminal means the server, which first answers.
        self._process = subprocess.Popen(
            command,
            pass_fds=(body_out, answer_in),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(body_out)
        os.close(answer_in)
        self._to, self._from = Connection(body_in, readable=False), Connection(answer_out, writable=False)
        self._has_answered = False
        with suppress(*_CONNECTION_LOST_ERRORS):  # the first body will tell
            self._to.send(self._policy)


def _pipe() -> tuple[int, int]:
    """Both ends of a pipe that takes a usual body at once, where the system allows: to wait costs a turn of a lock."""
    ends = os.pipe()
    with suppress(AttributeError, OSError):
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return ends


def _verdict(here: InlineChecker, body: RequestBody) -> tuple[ValidatedBody, int, bool] | Exception:
    """What is answered; a payload that is the body as sent need not travel back."""
    try:
        checked, size = here.check(body)
    except ControlSurfaceError as problem:
        return problem
    except MemoryError:
        return OverLimit("the body takes more memory to decode than one may; send smaller batches")
    except Exception as problem:  # noqa: BLE001 (the process that asked logs it)
        return RuntimeError(f"{type(problem).__name__}: {problem}")
    untouched = checked.payload is body.data
    return replace(checked, payload=b"") if untouched else checked, size, untouched


def serve_checks(bodies: Connection, answers: Connection, memory: int) -> None:
    """Answer until nobody asks any more."""
    with suppress(ValueError, OSError):  # where the system knows no such bound, the others have to do
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    tune_memory()
    with suppress(*_CONNECTION_LOST_ERRORS):
        here = InlineChecker(ContentPolicy(*bodies.recv()))
        while True:
            answers.send(_verdict(here, bodies.recv()))


def tune_memory() -> None:
    """Let this process keep what it will need for the next body: a tenth of a check went into giving it back."""
    gc.freeze()  # what is loaded by now stays
    gc.set_threshold(200_000, 20, 100)
    with suppress(AttributeError):  # the C library is not glibc
        allocator = ctypes.CDLL(None)
        for parameter, size in _MALLOC_BYTES.items():
            allocator.mallopt(parameter, size)


if __name__ == "__main__":
    serve_checks(
        Connection(int(sys.argv[1]), writable=False), Connection(int(sys.argv[2]), readable=False), int(sys.argv[3])
    )
