"""Where bodies are checked: here, or apart, in a process whose Python lock no other thread waits for.

A body that ends the process apart (by a fault in a parser, or by using up the memory) harms nothing but itself.
"""

import fcntl
import gc
import logging
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Protocol

from controlsurface.config import Content
from controlsurface.errors import BadBody, ControlSurfaceError
from controlsurface.ingest.body import Body
from controlsurface.ingest.check import Checked, check
from controlsurface.ingest.prompts import Prompts
from controlsurface.ingest.vocabulary import Vocabulary

log = logging.getLogger(__name__)

_PIPE = 1 << 20  # bytes
_LOST = (EOFError, OSError)  # what a connection says whose other end is gone


class Checker(Protocol):
    """Decompresses and checks bodies, one at a time."""

    def check(self, body: Body) -> tuple[Checked, int]:
        """The body as it may be kept, and its bytes after decompression. Raises BadBody, TooLarge."""
        ...

    def close(self) -> None:
        """Check no more."""
        ...


class Here:
    """In the caller's thread."""

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts

    def check(self, body: Body) -> tuple[Checked, int]:
        """As Checker."""
        data = body.plain()
        return check(body.signal, data, body.encoding, self._prompts), len(data)

    def close(self) -> None:
        """As Checker."""


class Apart:
    """In a process of its own, which ends with this one and is replaced when it ends before."""

    def __init__(self, content: Content, vocabularies: Iterable[Vocabulary], task_types: Iterable[str] = ()) -> None:
        self._policy = (content, tuple(vocabularies), tuple(task_types))
        self._start()

    def check(self, body: Body) -> tuple[Checked, int]:
        """As Checker."""
        for _ in range(2):  # the process may have ended before it was given this body
            try:
                return self._asked(body)
            except _LOST:
                log.warning("the process that checks bodies ended; starting another")
                self.close()
                self._start()
        raise BadBody(f"the process that checks bodies ended twice over this one of {len(body.data)} bytes")

    def close(self) -> None:
        """As Checker."""
        self._to.close()
        self._process.wait()
        self._from.close()

    def _asked(self, body: Body) -> tuple[Checked, int]:
        self._to.send(body)
        said: tuple[Checked, int, bool] | Exception = self._from.recv()
        if isinstance(said, Exception):
            raise said
        checked, size, untouched = said
        return replace(checked, payload=body.data) if untouched else checked, size

    def _start(self) -> None:
        (body_out, body_in), (answer_out, answer_in) = _pipe(), _pipe()
        command = [sys.executable, "-m", __name__, str(body_out), str(answer_in)]
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
        with suppress(*_LOST):  # the first body will tell
            self._to.send(self._policy)


def _pipe() -> tuple[int, int]:
    """Both ends of a pipe that takes a usual body at once, where the system allows: to wait costs a turn of a lock."""
    ends = os.pipe()
    with suppress(AttributeError, OSError):
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _PIPE)
    return ends


def _verdict(here: Here, body: Body) -> tuple[Checked, int, bool] | Exception:
    """What is answered; a payload that is the body as sent need not travel back."""
    try:
        checked, size = here.check(body)
    except ControlSurfaceError as problem:
        return problem
    except Exception as problem:  # noqa: BLE001 (the process that asked logs it)
        return RuntimeError(f"{type(problem).__name__}: {problem}")
    untouched = checked.payload is body.data
    return replace(checked, payload=b"") if untouched else checked, size, untouched


def main(bodies: Connection, answers: Connection) -> None:
    """Answer until nobody asks any more."""
    gc.freeze()  # what is loaded by now stays
    gc.set_threshold(200_000, 20, 100)
    with suppress(*_LOST):
        here = Here(Prompts(*bodies.recv()))
        while True:
            answers.send(_verdict(here, bodies.recv()))


if __name__ == "__main__":
    main(Connection(int(sys.argv[1]), writable=False), Connection(int(sys.argv[2]), readable=False))
