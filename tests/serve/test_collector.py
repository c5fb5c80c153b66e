"""The collector process: ready when it says so, one a data directory, and nothing answered is ever lost."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from controlsurface.bench.body_sender import BodySender
from controlsurface.bench.otlp_bodies import body_template
from controlsurface.client import Client, connect_client
from controlsurface.client.queries.ingest_queries import IngestQuery
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.errors import Busy, PortInUse, StoreError
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.launch import Server, collector, running, until

NOW_NS = 1_790_000_000_000_000_000
SMALL = body_template(40, NOW_NS, prompts=False)  # 10 requests


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("collector")


@contextmanager
def from_its_import_on(folder: Path) -> Iterator[Server]:
    """A collector as `serve` starts it; `launch.collector` forks one."""
    with running(("controlsurface.collector", "--data", str(folder / "data")), folder) as started:
        yield started.wait_for("api", "otlp_http", "otlp_grpc")


@pytest.fixture(scope="module")
def lasting(folder: Path) -> Iterator[Server]:
    """A collector that all tests share which leave it running."""
    with from_its_import_on(folder) as started:
        yield started


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A collector to be ended."""
    with from_its_import_on(tmp_path) as started:
        yield started


def requests_in(reader: Client) -> float:
    with closing(reader):
        value = reader.run(MetricQuery(MetricArgs(metric="requests"))).rows["value"][0].as_py()
    return float(value)


def test_every_ready_line_is_true(lasting: Server) -> None:
    assert requests.get(f"{lasting.ready['api']}/readyz", timeout=30).status_code == 200
    traces, headers = f"{lasting.ready['otlp_http']}/v1/traces", {"Content-Type": "application/x-protobuf"}
    assert requests.post(traces, timeout=30, headers=headers).status_code == 200
    host, _, port = lasting.ready["otlp_grpc"].removeprefix("http://").rpartition(":")
    socket.create_connection((host, int(port)), timeout=30).close()


def test_a_second_server_names_the_owner_of_the_data_directory(lasting: Server, folder: Path, tmp_path: Path) -> None:
    with running(("controlsurface.collector", "--data", str(folder / "data")), tmp_path) as second:
        assert second.end() == StoreError.exit_code
    assert f"in use by process {lasting.process.pid}" in second.words.read_text()


def test_sigterm_stores_what_was_accepted_and_other_commands_find_it_until_then(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "data" / "server.json"
    assert json.loads(file.read_text()) == {**server.ready, "pid": server.process.pid}
    sent = BodySender(server.ready["otlp_http"], SMALL).flood(connections=4, seconds=0.3)
    server.process.send_signal(signal.SIGHUP)  # which only has the rules read again
    assert server.stop() == 0
    assert not file.exists()
    assert requests_in(connect_client(tmp_path / "data")) == sent.bodies * 10 > 0


def test_a_killed_collector_loses_nothing_and_doubles_nothing(server: Server, tmp_path: Path) -> None:
    sender = BodySender(server.ready["otlp_http"], SMALL)
    sent = sender.flood(connections=4, seconds=0.3)
    server.stop(signal.SIGKILL)
    with collector(tmp_path) as again:
        until(lambda: not again.reader().run(IngestQuery()).pending)
        assert requests_in(again.reader()) == sent.bodies * 10 > 0


def test_taken_ports_are_named_before_the_collector_starts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        flags = (each for flag in ("--api-port", "--otlp-http-port", "--otlp-grpc-port") for each in (flag, str(port)))
        with running(("controlsurface.collector", "--data", str(data), *flags), tmp_path) as server:
            assert server.end() == PortInUse.exit_code
    for name in ("api", "otlp_http", "otlp_grpc"):
        assert f"{name}: 127.0.0.1:{port}" in server.words.read_text()
    assert not data.exists()


@pytest.mark.parametrize("content", [b"not a database", bytes(8192)])
def test_a_damaged_store_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "data" / "controlsurface.duckdb"
    file.parent.mkdir()
    file.write_bytes(content)
    with running(("controlsurface.collector", "--data", str(file.parent)), tmp_path) as server:
        assert server.end() == StoreError.exit_code
    assert str(file) in server.words.read_text()
    assert file.read_bytes() == content


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with closing(DuckStore.open(tmp_path / "data")) as store, store.writing() as writing:
        writing.execute("UPDATE schema_version SET version = 9999")
    with running(("controlsurface.collector", "--data", str(tmp_path / "data")), tmp_path) as server:
        assert server.end() == StoreError.exit_code
    assert "9999" in server.words.read_text()


def test_a_full_disk_refuses_bodies_and_shows(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[journal]\nmin_free = {1 << 62}\n")
    with collector(tmp_path, "--config", str(config)) as server:
        headers = {"Content-Type": "application/x-protobuf"}
        answer = requests.post(f"{server.ready['otlp_http']}/v1/traces", SMALL.body(0), headers=headers, timeout=30)
        assert answer.status_code == Busy.status
        assert int(answer.headers["Retry-After"]) > 0
        ready = requests.get(f"{server.ready['api']}/readyz", timeout=30)
        assert ready.status_code == 503
        assert "disk" in ready.text.lower() or "min_free" in ready.text
        assert requests_in(server.reader()) == 0


def test_the_collector_asks_senders_and_readers_for_a_token(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[auth]\ntoken = "s3cret s3cret s3cret"\n')
    with collector(tmp_path, "--config", str(config)) as server:
        sender = "POST", f"{server.ready['otlp_http']}/v1/traces"
        reader = "GET", f"{server.ready['api']}/api/v1/metrics"
        for method, address in (sender, reader):
            headers = {"Content-Type": "application/x-protobuf"}
            assert requests.request(method, address, headers=headers, timeout=30).status_code == 401
            headers["Authorization"] = "Bearer s3cret s3cret s3cret"
            assert requests.request(method, address, headers=headers, timeout=30).status_code == 200
