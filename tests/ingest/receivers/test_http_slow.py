"""Senders that are slow, cut off, or never stop; and stopping under load."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from controlsurface.config import Config, ContentConfig
from controlsurface.errors import PortInUse
from controlsurface.ingest.ingest_counters import IngestCounters
from controlsurface.ingest.journal.journal import Journal
from controlsurface.ingest.receivers import otlp_http
from controlsurface.ingest.receivers.intake import Intake
from controlsurface.ingest.receivers.otlp_http import HttpReceiver
from controlsurface.ingest.validation.checker_process import InlineChecker
from controlsurface.web.refusal_counter import RefusalCounter
from tests.ingest.conftest import Site, policy
from tests.ingest.otlp_bodies import body

HEAD = b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n"


@contextmanager
def connected(site: Site) -> Iterator[socket.socket]:
    url = httpx.URL(site.http)
    with socket.create_connection((url.host, url.port), timeout=10) as made:
        yield made


def is_cut_off(connection: socket.socket) -> bool:
    """Whether the server ends the connection, in the time given to the test."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("sent", [b"", b"POST /v1", HEAD])
def test_a_request_head_that_never_ends_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(otlp_http, "HEAD_TIMEOUT_S", 0.2)
    with connected(site) as connection:
        connection.sendall(sent)
        assert is_cut_off(connection)


def test_a_request_body_without_end_is_cut_off_however_it_trickles(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_http, "BODY_TIMEOUT_S", 0.5)
    begun = time.monotonic()
    with connected(site) as connection:
        connection.sendall(HEAD + b"content-length: 1000\r\n\r\n")
        with pytest.raises(OSError):  # noqa: PT011 (reset or broken pipe, as it happens)
            trickle(connection)
    assert time.monotonic() - begun < 8


def trickle(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def test_a_request_head_without_bound_is_refused(site: Site) -> None:
    with connected(site) as connection:
        connection.sendall(HEAD + b"x-filler: " + b"x" * 200_000)
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_a_sender_that_goes_away_in_the_middle_leaves_nothing_behind(site: Site) -> None:
    with connected(site) as connection:
        connection.sendall(HEAD + b"content-length: 1000\r\n\r\nabc")
    deadline = time.monotonic() + 30
    while site.intake._occupied and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (site.intake._occupied, site.records()) == (0, [])


def test_requests_on_one_connection_are_answered_in_turn(site: Site) -> None:
    sent = body()
    request = HEAD + b"content-length: %d\r\n\r\n" % len(sent) + sent
    with connected(site) as connection:
        connection.sendall(request * 20)
        answers = b""
        while answers.count(b"200 OK") < 20:
            answers += connection.recv(65536)
    assert len(site.records()) == 20


def test_a_connection_that_waits_between_requests_is_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_http, "HEAD_TIMEOUT_S", 0.1)
    monkeypatch.setattr(otlp_http, "BODY_TIMEOUT_S", 0.1)
    sent = body()
    with connected(site) as connection:
        for _ in range(2):
            connection.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(sent) + sent)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
            time.sleep(0.4)


def test_a_disk_that_hangs_is_503_before_senders_give_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_http, "ANSWER_TIMEOUT_S", 0.2)
    hanging = threading.Event()
    monkeypatch.setattr("controlsurface.ingest.journal.journal.os.fdatasync", lambda fd: hanging.wait(10))
    headers = {"content-type": "application/x-protobuf"}
    answer = httpx.post(f"{site.http}/v1/traces", content=body(), headers=headers, timeout=30)
    hanging.set()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_a_stopping_receiver_answers_requests_under_way_and_takes_no_more(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Config().journal)
    intake = Intake(journal, IngestCounters(), Config(), InlineChecker(policy(ContentConfig())))
    receiver = HttpReceiver(intake, Config(), "127.0.0.1", 0, RefusalCounter("otlp_http"), 1000)
    port = receiver.start()
    sent = body()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(sent) + sent[:10])
        time.sleep(0.1)
        stopping = threading.Thread(target=receiver.stop, args=(5,))
        stopping.start()
        time.sleep(0.3)
        connection.sendall(sent[10:])
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    stopping.join(10)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    intake.close()
    journal.close()
    assert not stopping.is_alive()


def test_a_stopping_receiver_waits_no_longer_than_its_timeout(site: Site) -> None:
    receiver = HttpReceiver(site.intake, Config(), "127.0.0.1", 0, RefusalCounter("otlp_http"), 1000)
    with socket.create_connection(("127.0.0.1", receiver.start()), timeout=10) as connection:
        connection.sendall(HEAD + b"content-length: 1000\r\n\r\nabc")
        time.sleep(0.1)
        begun = time.monotonic()
        receiver.stop(1)
    assert time.monotonic() - begun < 5
    assert site.intake._occupied == 0


def test_a_taken_port_is_an_error(site: Site) -> None:
    port = httpx.URL(site.http).port
    assert port is not None
    with pytest.raises(PortInUse, match="in use"):
        HttpReceiver(site.intake, Config(), "127.0.0.1", port, RefusalCounter("otlp_http"), 1000).start()
