"""A process that has imported the programs once and forks one for each that a test starts: `-m tests.fork_server FD`.

Importing takes longer than all else that a start does. What a killed or stopped collector leaves behind is the same;
tests of the start itself run `python -m controlsurface.collector` (launch.running), or `python -m controlsurface.cli`.
"""

import gc
import json
import os
import signal
import socket
import sys
import threading
import traceback
from contextlib import closing, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import click

from controlsurface import cli
from controlsurface.collector import __main__ as collector
from controlsurface.config import Config
from controlsurface.ingest.translate.conventions import load_conventions
from controlsurface.maintenance.rollup_worker import install_rollups
from controlsurface.store.duckdb import DuckStore

MAX_REQUEST_BYTES = 1 << 20


def main(requests: socket.socket) -> None:
    """Fork until the other side has ended."""
    import_module("pandas")  # pyarrow does where it first meets a list
    _remember()
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        request, files, _, _ = socket.recv_fds(requests, MAX_REQUEST_BYTES, 4)
        if not request:
            return
        program = json.loads(request)
        _import_commands(program["flags"] if program["name"] == "command" else [])
        gc.freeze()  # what is shared stays shared
        if os.fork() == 0:
            requests.close()
            _watch(program, *files)
        for file in files:
            os.close(file)


def _remember() -> None:
    """Read and plan what a process reads and plans once."""
    load_conventions(Config())
    with TemporaryDirectory() as folder:
        for _ in ("a new store", "a known one"):
            with closing(DuckStore.open(Path(folder))) as store:
                install_rollups(store)


def _reap(*_: object) -> None:
    """Let watchers go that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _import_commands(flags: list[str]) -> None:
    """Import the command that is asked for, for all that ask later."""
    for name in cli.controlsurface.list_commands(click.Context(cli.controlsurface)):
        if name in flags:
            import_module(f"controlsurface.cli.{name}_command")


def _watch(program: dict[str, Any], stdin: int, stdout: int, stderr: int, status: int) -> NoReturn:
    """Fork the program; write its process id, and how it ended, since the test is not its parent."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(status)
        _run(program, stdin, stdout, stderr)
    for file in (stdin, stdout, stderr):
        os.close(file)
    os.write(status, f"{pid}\n".encode())
    with suppress(BrokenPipeError):
        os.write(status, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())
    os._exit(0)


def _run(program: dict[str, Any], *files: int) -> NoReturn:
    """Be a program with these flags, in this folder and environment."""
    for ours, theirs in enumerate(files):
        os.dup2(theirs, ours)
        os.close(theirs)
    os.chdir(program["folder"])
    os.environ.clear()
    os.environ.update(zip(program["names"], program["values"], strict=True))
    is_command = program["name"] == "command"
    try:
        _open_streams()
        code = (cli.run_command if is_command else collector.main)(program["flags"])
    except BaseException:  # noqa: BLE001 - said as the interpreter says it
        traceback.print_exc()
        code = 1
    if is_command:  # it ends as an interpreter ends
        for thread in threading.enumerate():
            if thread is not threading.main_thread() and not thread.daemon:
                thread.join()
    collector.exit_now(code)


def _open_streams() -> None:
    """Standard streams as a new interpreter opens them."""
    encoding, is_terminal = sys.stdout.encoding, os.isatty(1)
    sys.stdin = os.fdopen(0, encoding=encoding, closefd=False)
    sys.stdout = os.fdopen(1, "w", 1 if is_terminal else -1, encoding, closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding, "backslashreplace", closefd=False)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given:
        main(given)
    collector.exit_now(0)
