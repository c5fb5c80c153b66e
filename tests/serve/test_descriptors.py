"""Idle connections take no descriptor that senders and files need."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import pytest
import requests

from controlsurface.web.connections import MIN_CONNECTIONS, RESERVED_FDS, divide_descriptors
from tests.ingest.otlp_bodies import body
from tests.launch import Server, running


@contextmanager
def limited(folder: Path, soft: int, hard: int) -> Iterator[Server]:
    """A collector with these limits of open files."""
    argv = ("tests.serve.limited", str(soft), str(hard), "--data", str(folder / "data"))
    with running(argv, folder) as server:
        yield server.wait_for("api", "otlp_http", "otlp_grpc")


@contextmanager
def idle(server: Server, name: str, count: int) -> Iterator[list[socket.socket]]:
    """Connections that say nothing."""
    url = urlsplit(server.ready[name])
    held: list[socket.socket] = []
    try:
        for _ in range(count):
            with suppress(OSError):
                held.append(socket.create_connection((url.hostname, url.port), timeout=2))
        yield held
    finally:
        for each in held:
            each.close()


def status(server: Server) -> int:
    headers = {"Content-Type": "application/x-protobuf"}
    return requests.post(f"{server.ready['otlp_http']}/v1/traces", body(), headers=headers, timeout=10).status_code


def files(server: Server) -> int:
    return len([*Path(f"/proc/{server.process.pid}/fd").iterdir()])


def test_idle_connections_keep_no_sender_out(tmp_path: Path) -> None:
    with limited(tmp_path, 400, 400) as server, idle(server, "otlp_http", 350), idle(server, "otlp_grpc", 100):
        assert [status(server) for _ in range(3)] == [200] * 3
        assert files(server) < 400 - RESERVED_FDS // 2


def test_a_sender_over_grpc_comes_in_as_soon_as_idle_connections_are_cut_off(tmp_path: Path) -> None:
    with limited(tmp_path, 300, 300) as server, idle(server, "otlp_grpc", 60):
        channel = grpc.insecure_channel(urlsplit(server.ready["otlp_grpc"]).netloc)
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export", bytes, bytes)
        assert export(body(), timeout=20, wait_for_ready=True) == b""
        channel.close()


def test_the_soft_limit_is_raised_to_the_hard_one(tmp_path: Path) -> None:
    with limited(tmp_path, 256, 700) as server:
        limits = Path(f"/proc/{server.process.pid}/limits").read_text().splitlines()
    (line,) = [each for each in limits if each.startswith("Max open files")]
    assert line.split()[3:5] == ["700", "700"]


@pytest.mark.parametrize("limit", [64, 256, 1024, 4096, 1 << 20])
def test_divided_descriptors_leave_files_their_part_and_every_listener_some(limit: int) -> None:
    parts = divide_descriptors(limit)
    assert min(parts.api, parts.otlp_http, parts.otlp_grpc) >= MIN_CONNECTIONS
    assert parts.api + parts.otlp_http + parts.otlp_grpc <= max(limit - RESERVED_FDS, 3 * MIN_CONNECTIONS)


def test_a_failed_start_of_the_collector_says_why_and_nothing_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        flags = ("--data", str(tmp_path), "--api-port", str(taken.getsockname()[1]))
        command = [sys.executable, "-m", "controlsurface.collector", *flags]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 7
    assert len(done.stderr.splitlines()) == 1
    assert "Address already in use" in done.stderr


def test_a_store_that_cannot_be_opened_is_named_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "controlsurface.duckdb").write_text("no database" * 99)
    (tmp_path / "controlsurface.duckdb").chmod(0o600)  # else a second line says that others could read it
    command = [sys.executable, "-m", "controlsurface.collector", "--data", str(tmp_path)]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
    assert time.monotonic() - began < 30
