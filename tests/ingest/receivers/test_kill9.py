"""kill -9 of the whole collector under load, again and again: nothing answered is lost, nothing is stored twice."""

import http.client
import itertools
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import grpc
import pytest

from controlsurface.bench.otlp_bodies import body_template, first_trace_id
from controlsurface.client import Client
from controlsurface.client.queries.ingest_queries import IngestQuery
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.metrics.queries.metric_query import MetricArgs
from tests.launch import Server, collector, running, until

BODY = body_template(12, 1_790_000_000_000_000_000, prompts=False)  # 3 requests
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
METRICS = ("requests", "attempts", "input_tokens", "output_tokens")


class Load:
    """Senders that go on through every crash; what they sent, and what of it was answered with success."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.run: set[int] = set()
        self._numbers = itertools.count(1)
        self._at: Server | None = None
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(send,)) for send in (_http, _http, _http, _grpc)]

    @contextmanager
    def on(self, server: Server) -> Iterator[None]:
        """Send there meanwhile."""
        self._at = server
        yield
        self._at = None

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _run(self, send: Callable[[Server, bytes], bool]) -> None:
        while not self._done.is_set():
            if (server := self._at) is None:
                time.sleep(0.005)
                continue
            number = next(self._numbers)
            self.sent.append(number)
            time.sleep(0.015)  # many moments to be killed at, not many bodies
            if send(server, BODY.body(number)):
                self.run.add(number)


def _http(server: Server, body: bytes) -> bool:
    connection = http.client.HTTPConnection(urlsplit(server.ready["otlp_http"]).netloc, timeout=20)
    try:
        connection.request("POST", "/v1/traces", body, {"content-type": "application/x-protobuf"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _grpc(server: Server, body: bytes) -> bool:
    with grpc.insecure_channel(urlsplit(server.ready["otlp_grpc"]).netloc) as channel:
        try:
            channel.unary_unary(EXPORT, None, None)(body, timeout=20)
        except grpc.RpcError:
            return False
        return True


def figures(reader: Client) -> list[float]:
    """What the store says once it has caught up."""
    until(lambda: not reader.run(IngestQuery()).pending)
    return [float(str(reader.run(MetricQuery(MetricArgs(metric=metric))).rows["value"][0])) for metric in METRICS]


def stored_traces(reader: Client) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = reader.run(RequestsQuery(RequestsArgs(limit=1000, cursor=cursor)))
        found += map(str, page.rows["trace_id"].to_pylist())
        if (cursor := page.next) is None:
            return found


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("seed", [0, 1])
def test_acknowledged_bodies_are_neither_lost_nor_doubled_through_ten_kills(tmp_path: Path, seed: int) -> None:
    dice, load = random.Random(seed), Load()
    with collector(tmp_path) as server:
        assert _http(server, BODY.body(0))
        one = figures(server.reader())
    with load:
        for kill in range(10):
            with collector(tmp_path) as server, load.on(server):
                time.sleep(dice.uniform(0.05, 1.5))
                server.stop(signal.SIGKILL)
            if kill % 5 == 3 * seed:  # once more, while it starts
                with running(("controlsurface.collector", "--data", str(tmp_path / "data")), tmp_path):
                    time.sleep(dice.uniform(0.3, 2))
    with collector(tmp_path) as server:
        once = figures(server.reader())
        kept = stored_traces(server.reader())
        assert len(load.run) > 20
        assert {first_trace_id(number) for number in load.run} <= set(kept)
        assert len(kept) == len(set(kept)) == once[0]
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(lambda number: _http(server, BODY.body(number)), load.sent))
        assert figures(server.reader()) == [figure * (len(load.sent) + 1) for figure in one]
