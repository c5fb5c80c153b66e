"""Whoever reads a data directory gets a reader, whether a server owns it or not."""

import json
import os
from pathlib import Path

import pytest

from controlsurface.client import LocalClient, RemoteClient, connect_client
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.errors import StoreInUse
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving


def test_a_free_data_directory_is_opened(tmp_path: Path) -> None:
    reader = connect_client(tmp_path)
    assert isinstance(reader, LocalClient)
    assert reader.run(MetricQuery(MetricArgs(metric="requests"))).rows["value"].to_pylist() == [0]
    reader.close()


def test_a_server_that_owns_the_directory_is_asked(tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path)
    seed(store, n=50)
    with serving(LocalClient(store)) as url:
        (tmp_path / "server.json").write_text(json.dumps({"api": url, "pid": os.getpid()}))
        reader = connect_client(tmp_path)
        assert isinstance(reader, RemoteClient)
        assert reader.run(MetricQuery(MetricArgs(metric="requests"))).rows["value"].to_pylist() == [50]
        reader.close()
    store.close()


def test_an_address_left_by_a_dead_server_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text(json.dumps({"api": "http://127.0.0.1:9", "pid": 1}))
    reader = connect_client(tmp_path)
    assert isinstance(reader, LocalClient)
    reader.close()


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"api'])
def test_an_owner_that_gives_no_address_is_an_error(text: str | None, tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path)
    if text is not None:
        (tmp_path / "server.json").write_text(text)
    with pytest.raises(StoreInUse):
        connect_client(tmp_path, wait_s=0)
    store.close()
