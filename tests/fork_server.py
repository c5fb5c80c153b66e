"""A process that has imported the collector once and forks one for each that a test starts: `-m tests.fork_server FD`.

Importing takes longer than all else that a start does. What a killed or stopped collector leaves behind is the same;
tests of the start itself run `python -m controlsurface.collector` (launch.running).
"""

import gc
import json
import os
import signal
import socket
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from controlsurface.collector import __main__ as collector

MAX_REQUEST_BYTES = 1 << 20


def main(requests: socket.socket) -> None:
    """Fork until the other side has ended."""
    import_module("pandas")  # pyarrow does where it first meets a list
    gc.freeze()  # what is shared stays shared
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        request, files, _, _ = socket.recv_fds(requests, MAX_REQUEST_BYTES, 3)
        if not request:
            return
        if os.fork() == 0:
            requests.close()
            _watch(json.loads(request), *files)
        for file in files:
            os.close(file)


def _reap(*_: object) -> None:
    """Let watchers go that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _watch(request: dict[str, Any], stdout: int, stderr: int, status: int) -> NoReturn:
    """Fork the collector; write its process id, and how it ended, since the test is not its parent."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(status)
        _collect(request, stdout, stderr)
    os.close(stdout)
    os.close(stderr)
    os.write(status, f"{pid}\n".encode())
    with suppress(BrokenPipeError):
        os.write(status, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())
    os._exit(0)


def _collect(request: dict[str, Any], stdout: int, stderr: int) -> NoReturn:
    """Be a collector with these flags, in this folder and environment."""
    for theirs, ours in ((stdout, 1), (stderr, 2)):
        os.dup2(theirs, ours)
        os.close(theirs)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(zip(request["names"], request["values"], strict=True))
    try:
        code = collector.main(request["flags"])
    except BaseException:  # noqa: BLE001 - said as the interpreter says it
        traceback.print_exc()
        code = 1
    collector.exit_now(code)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given:
        main(given)
    collector.exit_now(0)
