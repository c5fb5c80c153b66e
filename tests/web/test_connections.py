"""Idle and slow connections to the API and the dashboard: bounded, cut off, and no harm to anybody else.

The shapes are those of Kludex/uvicorn#1192 (a connection that never says anything) and xorbitsai/inference#5213 (a byte
at a time holds a connection for ever).
"""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tests.launch import Server
from tests.web.conftest import ADMIN

TOKEN = {"Authorization": f"Bearer {ADMIN}"}


@contextmanager
def crowd(url: str, n: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    host, _, port = url.removeprefix("http://").partition(":")
    with ExitStack() as ends:
        made = [ends.enter_context(socket.create_connection((host, int(port)), timeout=10)) for _ in range(n)]
        for each in made:
            each.sendall(sent)
        yield made


def is_cut_off(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_thousand_idle_connections_to_the_api_harm_neither_otlp_nor_the_api(strict: Server) -> None:
    with crowd(strict.ready["api"], 1000):
        took = time.monotonic()
        assert requests.post(f"{strict.ready['otlp_http']}/v1/traces", json={}, headers=TOKEN, timeout=9).ok
        assert requests.get(f"{strict.ready['api']}/api/v1/lanes", headers=TOKEN, timeout=9).ok
        assert time.monotonic() - took < 5
        assert descriptors(strict) < 300


def descriptors(server: Server) -> int:
    return len([*Path(f"/proc/{server.process.pid}/fd").iterdir()])


@pytest.mark.parametrize("sent", [b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_request_head_that_never_ends_is_cut_off(strict: Server, sent: bytes) -> None:
    with crowd(strict.ready["api"], 1, sent) as (connection,):
        began = time.monotonic()
        assert is_cut_off(connection)
        assert time.monotonic() - began < 5


def trickled_until_cut_off(connection: socket.socket) -> float:
    """Send a head a byte at a time; for how long that went."""
    began = time.monotonic()
    with suppress(OSError):
        while time.monotonic() - began < 8:
            connection.sendall(b"x")
            time.sleep(0.1)
    return time.monotonic() - began


def test_a_request_head_that_trickles_is_cut_off_too(strict: Server) -> None:
    with crowd(strict.ready["api"], 1, b"GET /healthz HTTP/1.1\r\nX: ") as (connection,):
        assert 1 < trickled_until_cut_off(connection) < 5


def test_a_request_head_without_end_is_refused_however_quick_it_comes(strict: Server) -> None:
    with crowd(strict.ready["api"], 1, b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000) as (connection,):
        assert connection.recv(12) == b"HTTP/1.1 400"


def test_connections_that_were_cut_off_are_counted(strict: Server) -> None:
    with crowd(strict.ready["api"], 40):
        text = requests.get(
            f"{strict.ready['api']}/metrics", headers={"Authorization": f"Bearer {ADMIN}"}, timeout=9
        ).text
    (line,) = (each for each in text.splitlines() if 'refused_total{server="api",reason="connections"}' in each)
    assert float(line.split()[-1]) > 0
