"""An answer given before the end of a body reaches senders that write all of it before they read."""

import http.client
import logging
import socket
import time
from collections.abc import Callable, Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from controlsurface.config import AuthConfig, Config, ReceiverConfig
from controlsurface.ingest.receivers import otlp_http
from tests.ingest.conftest import Site
from tests.ingest.otlp_bodies import body

LIMIT = 1 << 20
PART = 1 << 16
PROTOBUF = {"content-type": "application/x-protobuf", "authorization": "Bearer open sesame"}
REFUSED: dict[int, tuple[str, dict[str, str]]] = {
    413: ("/v1/traces", {}),
    401: ("/v1/traces", {"authorization": "Bearer wrong"}),
    415: ("/v1/traces", {"content-type": "text/plain"}),
    404: ("/v2/traces", {}),
}


@pytest.fixture
def strict(opened: Callable[[Config], Site]) -> Site:
    return opened(Config(receiver=ReceiverConfig(max_http_body=LIMIT), auth=AuthConfig(token="open sesame")))


def connected(site: Site) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(site.http.removeprefix("http://"), timeout=20)


@pytest.mark.parametrize("status", REFUSED)
@pytest.mark.parametrize("size", [LIMIT + 1, 2 * LIMIT - 1, 12 * LIMIT])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_a_client_that_writes_everything_first_sees_the_answer(
    strict: Site, status: int, size: int, chunked: bool, connection: str
) -> None:
    path, changed = REFUSED[status]
    whole = bytes(size)
    sent = (whole[at : at + PART] for at in range(0, size, PART)) if chunked else whole
    client = connected(strict)
    client.request("POST", path, sent, PROTOBUF | changed | {"connection": connection}, encode_chunked=chunked)
    answer = client.getresponse()
    assert (answer.status, bool(answer.read())) == (status, True)
    client.close()


def test_the_next_request_of_a_session_is_taken(strict: Site) -> None:
    with requests.Session() as session:
        for _ in range(3):
            refused = session.post(f"{strict.http}/v1/traces", bytes(4 * LIMIT), headers=PROTOBUF, timeout=20)
            taken = session.post(f"{strict.http}/v1/traces", body(), headers=PROTOBUF, timeout=20)
            assert (refused.status_code, taken.status_code) == (413, 200)
    assert len(strict.records()) == 3
    assert strict.counters.snapshot()["too_large"] == 3


def test_the_standard_librarys_client_sees_the_answer(strict: Site) -> None:
    with pytest.raises(HTTPError, match="413"):
        urlopen(Request(f"{strict.http}/v1/traces", bytes(3 * LIMIT), PROTOBUF), timeout=20)


def test_the_sdk_exporter_sees_that_the_body_is_too_large(strict: Site, caplog: pytest.LogCaptureFixture) -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.get_tracer("app").start_span("chat", attributes={"text": "x" * 5 * LIMIT}).end()
    exporter = OTLPSpanExporter(f"{strict.http}/v1/traces", headers={"authorization": "Bearer open sesame"})
    with caplog.at_level(logging.ERROR):
        assert exporter.export(memory.get_finished_spans()) is SpanExportResult.FAILURE
    exporter.shutdown()  # type: ignore[no-untyped-call]
    provider.shutdown()
    assert "413" in caplog.text
    assert strict.counters.snapshot()["too_large"] == 1  # it is not sent again


def test_the_refusal_comes_before_the_rest_of_the_body(strict: Site) -> None:
    with raw(strict, LIMIT + 100) as connection:
        connection.sendall(b"x" * 100)
        assert connection.recv(100).startswith(b"HTTP/1.1 413")
        connection.sendall(b"x" * LIMIT)
        while connection.recv(1000):
            pass


def raw(site: Site, length: int) -> socket.socket:
    """A connection on which the head of a request was sent."""
    host, _, port = site.http.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    fields = "".join(f"{name}: {text}\r\n" for name, text in PROTOBUF.items())
    connection.sendall(
        f"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\n{fields}content-length: {length}\r\n\r\n".encode()
    )
    return connection


def flood() -> Iterator[bytes]:
    while True:
        yield bytes(PART)


def test_a_refused_body_is_not_read_for_ever_in_bytes(strict: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_http, "MAX_DRAIN_BYTES", 4 * LIMIT)
    client, begun = connected(strict), time.monotonic()
    with pytest.raises(OSError):  # noqa: PT011 (reset or broken pipe, as it happens)
        client.request("POST", "/v1/traces", flood(), PROTOBUF, encode_chunked=True)
    client.close()
    assert time.monotonic() - begun < 10


def test_a_refused_body_is_not_read_for_ever_in_time(strict: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_http, "DRAIN_TIMEOUT_S", 0.3)
    with raw(strict, 10 * LIMIT) as connection:
        begun = time.monotonic()
        answer = b""
        while part := connection.recv(1000):
            answer += part
    assert answer.startswith(b"HTTP/1.1 413")
    assert 0.2 < time.monotonic() - begun < 5


def test_a_sender_that_waits_to_be_asked_is_not_asked_for_a_body_that_is_refused(strict: Site) -> None:
    host, _, port = strict.http.removeprefix("http://").partition(":")
    head = f"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {9 * LIMIT}\r\n"
    fields = "".join(f"{name}: {text}\r\n" for name, text in PROTOBUF.items())
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(f"{head}{fields}\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")


def test_an_answer_to_a_whole_body_keeps_the_connection(strict: Site) -> None:
    client = connected(strict)
    for sent in (body(), b"\xff"):
        client.request("POST", "/v1/traces", sent, PROTOBUF)
        answer = client.getresponse()
        assert (answer.status in {200, 400}, answer.headers["connection"]) == (True, None)
        answer.read()
    client.close()
