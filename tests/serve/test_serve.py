"""`controlsurface serve` as its user meets it: four addresses, parts that come back, one clean end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests

from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.errors import ConfigError, PortInUse, StoreError
from tests.launch import Server, is_alive, running, until

pytestmark = pytest.mark.xdist_group("serve")  # one worker, so that the lasting server is one
ALL = ("api", "otlp_http", "otlp_grpc", "dashboard")
SIGNS = {
    "collector": "controlsurface.collector",
    "dashboard": "controlsurface.serve.dashboard",
    "demo": "demo\0--endpoint",
}
FREE = ("--port", "0", "--otlp-http-port", "0", "--otlp-grpc-port", "0")


def serve(folder: Path, *flags: str) -> tuple[str, ...]:
    return ("controlsurface.cli", "serve", "--data", str(folder / "data"), *flags)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve")


@pytest.fixture(scope="module")
def lasting(folder: Path) -> Iterator[Server]:
    """A server that all tests share which leave it running."""
    with running(serve(folder, *FREE), folder) as started:
        yield started.wait_for(*ALL)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server to be ended."""
    with running(serve(tmp_path, *FREE), tmp_path) as started:
        yield started.wait_for(*ALL)


def children(pid: int) -> dict[str, int]:
    """The parts by name; Linux tells."""
    found: dict[str, int] = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_text()
        found |= {name: int(child) for name, sign in SIGNS.items() if sign in command}
    return found


def is_dead(pid: int) -> bool:
    return not is_alive(pid)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def test_all_server_parts_are_up_when_their_ready_lines_say_so(lasting: Server) -> None:
    assert tuple(lasting.ready) == ALL
    assert answers(lasting.ready["api"] + "/readyz")
    assert answers(lasting.ready["dashboard"])


def test_all_server_parts_are_down_after_an_interrupt(server: Server) -> None:
    parts = children(server.process.pid)
    assert server.stop(signal.SIGINT) == 0
    assert not any(is_alive(pid) for pid in parts.values())


@pytest.mark.parametrize(("name", "other"), [("collector", "dashboard"), ("dashboard", "collector")])
def test_a_crashed_server_part_comes_back_and_leaves_the_other_alone(lasting: Server, name: str, other: str) -> None:
    before = children(lasting.process.pid)
    os.kill(before[name], signal.SIGKILL)
    until(lambda: not is_alive(before[name]))
    for address in (lasting.ready["api"] + "/readyz", lasting.ready["dashboard"]):
        until(partial(answers, address))
    after = children(lasting.process.pid)
    assert after[name] != before[name]
    assert after[other] == before[other]
    assert f"the {name} ended with -9; starting it again" in lasting.words.read_text()


def test_a_second_server_on_the_same_data_is_refused(lasting: Server, folder: Path) -> None:
    second = run(*serve(folder, *FREE))
    assert second.returncode == StoreError.exit_code
    assert "in use by process" in second.stderr
    assert answers(lasting.ready["api"] + "/healthz")


def test_a_taken_port_ends_serve_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = run(*serve(tmp_path, *FREE, "--port", str(port)))
    assert ended.returncode == PortInUse.exit_code
    assert f"dashboard: 127.0.0.1:{port}" in ended.stderr
    assert ended.stdout == ""


def test_a_server_that_listens_to_the_world_needs_a_token(tmp_path: Path) -> None:
    ended = run(*serve(tmp_path, *FREE, "--host", "0.0.0.0"))
    assert ended.returncode == ConfigError.exit_code
    assert "set `token` under [auth]" in ended.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
def test_a_server_part_does_not_outlive_a_killed_supervisor(server: Server) -> None:
    parts = children(server.process.pid)
    assert parts.keys() == {"collector", "dashboard"}
    server.stop(signal.SIGKILL)
    for pid in parts.values():
        until(partial(is_dead, pid))


def test_a_server_outside_loopback_asks_everybody_for_a_token(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[auth]\ntoken = "s3cret s3cret s3cret"\n')
    argv = ("controlsurface.cli", "--config", str(config), *serve(tmp_path, *FREE, "--host", "0.0.0.0")[1:])
    with running(argv, tmp_path) as server:
        server.wait_for(*ALL)
        metrics = server.ready["api"] + "/api/v1/metrics"
        assert requests.get(metrics, timeout=30).status_code == 401
        assert (
            requests.get(metrics, timeout=30, headers={"Authorization": "Bearer s3cret s3cret s3cret"}).status_code
            == 200
        )
        assert requests.get(server.ready["dashboard"], timeout=30).status_code == 401


def test_the_demo_writes_history_once_and_all_parts_are_down_after_sigterm(tmp_path: Path) -> None:
    with running(serve(tmp_path, *FREE, "--demo"), tmp_path) as first:
        first.wait_for(*ALL)
        assert "--backfill" in until(lambda: demo_of(first))
        until(lambda: first.reader().run(RequestsQuery(RequestsArgs(limit=50))).rows.num_rows == 50)
        parts = children(first.process.pid)
        assert parts.keys() == {"collector", "dashboard", "demo"}
        assert first.stop() == 0
        assert not any(is_alive(pid) for pid in parts.values())
    with running(serve(tmp_path, *FREE, "--demo"), tmp_path) as second:
        second.wait_for("api")
        again = until(lambda: demo_of(second))
        assert "--backfill" not in again
        assert "incident\0--event-ago" in again  # it goes on


def demo_of(server: Server) -> str:
    """The command line of the simulated router, once it is one."""
    found = children(server.process.pid).get("demo")
    return Path(f"/proc/{found}/cmdline").read_text() if found else ""


def run(*argv: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", *argv], capture_output=True, text=True, timeout=60, check=False)
