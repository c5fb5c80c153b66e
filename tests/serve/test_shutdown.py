"""The end of a collector is bounded, whatever its readers ask for; who comes after it waits for it, and says so.

duckdb/duckdb 5938, distillery 73: a process with a query under way does not end, or ends and leaves a log that cannot
be replayed. cldellow/datasette-parquet 6: queries that nobody can stop.
"""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import requests

from controlsurface.bench.otlp_bodies import body_template
from controlsurface.client import connect_client
from controlsurface.client.queries.ingest_queries import IngestQuery
from controlsurface.client.queries.store_statistics import ExtentQuery
from controlsurface.errors import StoreInUse, TooSlow
from controlsurface.serve.supervisor import await_store_release
from controlsurface.store.duckdb import DuckStore
from tests.launch import Server, is_alive, running, until

BODY = body_template(40, 1_790_000_000_000_000_000, prompts=False).body(0)


@contextmanager
def busy(folder: Path, kind: str, ending_s: int = 28) -> Iterator[Server]:
    """A collector that has stored ten requests, and eight readers whose queries do not end."""
    argv = ("tests.serve.heavy", kind, str(ending_s), "--data", str(folder / "data"))
    with running(argv, folder) as server:
        server.wait_for("api", "otlp_http")
        headers = {"Content-Type": "application/x-protobuf"}
        assert requests.post(f"{server.ready['otlp_http']}/v1/traces", BODY, headers=headers, timeout=30).ok
        for _ in range(8):
            threading.Thread(target=asking, args=(server.ready["api"],), daemon=True).start()
        time.sleep(0.5)
        yield server


def asking(api: str) -> None:
    with suppress(requests.RequestException):
        requests.get(f"{api}/api/v1/requests", timeout=60)


def stored(data: Path) -> int:
    with closing(connect_client(data)) as reader:
        return int(reader.run(ExtentQuery()).rows["requests"][0].as_py())


def test_heavy_queries_do_not_hold_up_the_shutdown(tmp_path: Path) -> None:
    with busy(tmp_path, "counting") as server:
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 20
        assert "queries were stopped: the server ends" in server.words.read_text()
    assert stored(tmp_path / "data") == 10


def test_a_collector_that_cannot_be_stopped_is_ended_by_the_kernel_and_loses_nothing(tmp_path: Path) -> None:
    with busy(tmp_path, "sleeping", ending_s=3) as server:
        began = time.monotonic()
        assert server.stop() == -signal.SIGALRM
        assert time.monotonic() - began < 10
        assert "not ended after 3 s: ended now" in server.words.read_text()
    with running(("controlsurface.collector", "--data", str(tmp_path / "data")), tmp_path) as again:
        again.wait_for("api")
        until(lambda: not again.reader().run(IngestQuery()).pending)
        assert again.stop() == 0
    assert stored(tmp_path / "data") == 10


def test_a_collector_that_is_told_to_end_while_it_starts_ends(tmp_path: Path) -> None:
    with running(("controlsurface.collector", "--data", str(tmp_path / "data")), tmp_path) as server:
        until((tmp_path / "data" / "lock").exists)
        assert server.stop() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
def test_a_collector_with_heavy_queries_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    argv = ("tests.serve.parent", "tests.serve.heavy", "counting", "10", "--data", str(tmp_path / "data"))
    with running(argv, tmp_path) as parent:
        parent.wait_for("api")
        pid = int((tmp_path / "data" / "lock").read_text())
        for _ in range(8):
            threading.Thread(target=asking, args=(parent.ready["api"],), daemon=True).start()
        time.sleep(0.5)
        parent.stop(signal.SIGKILL)
        until(lambda: not is_alive(pid), 20)


def test_an_interrupt_stops_only_queries_that_run_for_long() -> None:
    store = DuckStore.in_memory()
    threading.Timer(0.3, lambda: store.interrupt(longer_than_s=0.2)).start()
    with pytest.raises(TooSlow, match="stopped after 0"):
        store.state("SELECT sum(random()) FROM range(10000000000000)")
    assert store.interrupt(longer_than_s=0) == 0
    assert store.state("SELECT 1 AS n").num_rows == 1


def test_a_second_server_waits_for_an_owner_that_is_ending(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = DuckStore.open(tmp_path)
    threading.Timer(0.5, store.close).start()
    await_store_release(tmp_path, patience_s=30)
    assert "which is ending or starting" in capsys.readouterr().err


def test_a_second_server_waits_for_no_owner_that_answers_and_for_none_for_ever(tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path)
    with pytest.raises(StoreInUse):
        await_store_release(tmp_path, patience_s=0.3)
    (tmp_path / "server.json").write_text("{}")
    began = time.monotonic()
    with pytest.raises(StoreInUse):
        await_store_release(tmp_path, patience_s=30)
    assert time.monotonic() - began < 10
    store.close()
