"""Signals as bytes of a pipe: whichever thread the kernel gives one to, and whatever that interrupts, it is heard of.

A handler in Python runs in the main thread only, when that comes round to it: not while it waits for a lock and the
kernel woke another thread. And what a handler calls may wait for a lock that the interrupted code holds.
"""

import os
import signal


class Signals:
    """Takes these signals from now on; to be made in the main thread."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self._read, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, _pass)

    def next(self) -> int:
        """Wait for the next signal, in any thread."""
        return os.read(self._read, 1)[0]


def _pass(number: int, _: object) -> None:
    """Nothing: the pipe has its number."""
