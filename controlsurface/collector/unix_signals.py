"""Signals as bytes of a pipe: whichever thread the kernel gives one to, and whatever that interrupts, it is heard of.

A handler in Python runs in the main thread only, when that comes round to it: not while it waits for a lock and the
kernel woke another thread. And what a handler calls may wait for a lock that the interrupted code holds.
"""

import logging
import os
import queue
import signal
import threading
import time

SHUTDOWN_TIMEOUT_S = 28  # from being told to end to being ended, whatever is under way; the supervisor waits for 30
LAST_LOG_TIMEOUT_S = 1.0

_log = logging.getLogger("collector")


class UnixSignals:
    """Takes these signals from now on; to be made in the main thread.

    From the first one that means the end, the process has `ending_s`: the kernel ends it then, whatever it does.
    """

    def __init__(self, *numbers: signal.Signals, ending_s: int = SHUTDOWN_TIMEOUT_S) -> None:
        self._read, write = os.pipe()
        os.set_blocking(write, False)
        self._ending_s = ending_s
        self._heard: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.ending = threading.Event()
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, _pass)
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    def next(self) -> int:
        """Wait for the next signal, in any thread."""
        return self._heard.get()

    def _listen(self) -> None:
        """Pass signals on; what takes long, a start too, does not keep the end from being timed."""
        while True:
            number = os.read(self._read, 1)[0]
            if number != signal.SIGHUP and not self.ending.is_set():
                signal.alarm(self._ending_s)  # its default action ends the process without asking Python
                threading.Thread(target=self._last_words, name="last words", daemon=True).start()
                self.ending.set()
            self._heard.put(number)

    def _last_words(self) -> None:
        time.sleep(self._ending_s - LAST_LOG_TIMEOUT_S)
        _log.error("not ended after %g s: ended now; what was accepted is in the journal", self._ending_s)


def _pass(number: int, _: object) -> None:
    """Nothing: the pipe has its number."""
