"""OTLP/gRPC over real sockets."""

import gzip
import threading
from collections.abc import Callable
from typing import cast

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from controlsurface.config import Config, ReceiverConfig
from controlsurface.errors import PortInUse
from controlsurface.ingest.receivers.otlp_grpc import GrpcReceiver
from controlsurface.web.refusal_counter import RefusalCounter
from tests.ingest.conftest import Site
from tests.ingest.otlp_bodies import logs, metrics, span, traces

SERVICE = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"
Metadata = tuple[tuple[str, str | bytes], ...]


def sent(
    site: Site, payload: bytes, service: str = "trace", compressed: bool = False, metadata: Metadata = ()
) -> bytes:
    """Bytes as they are, past all checks of a client library."""
    with grpc.insecure_channel(site.grpc, options=[("grpc.max_send_message_length", -1)]) as channel:
        export = channel.unary_unary(SERVICE.format(service, service.title()), None, None)
        compression = grpc.Compression.Gzip if compressed else grpc.Compression.NoCompression
        return cast(bytes, export(payload, timeout=15, compression=compression, metadata=metadata))


def refusal(site: Site, payload: bytes, compressed: bool = False) -> tuple[grpc.StatusCode, str, dict[str, bytes]]:
    with pytest.raises(grpc.RpcError) as caught:
        sent(site, payload, compressed=compressed)
    error = cast(grpc.Call, caught.value)
    trailers = {key: each for key, each in error.trailing_metadata() or () if isinstance(each, bytes)}
    return error.code(), error.details() or "", trailers


def test_each_grpc_service_answers_full_success_with_nothing_set(site: Site) -> None:
    requests = {"trace": traces(span()), "logs": logs(LogRecord()), "metrics": metrics(4)}
    assert [sent(site, request.SerializeToString(), service) for service, request in requests.items()] == [
        b"",
        b"",
        b"",
    ]
    assert [(each.signal, each.items) for each in site.records()] == [("traces", 1), ("logs", 1), ("metrics", 4)]


def test_an_empty_request_is_a_success(site: Site) -> None:
    assert sent(site, b"") == b""
    assert sent(site, ExportTraceServiceRequest(resource_spans=[{}]).SerializeToString()) == b""  # type: ignore[list-item]
    assert site.records() == []


def test_rejected_spans_are_reported_to_the_sender(site: Site) -> None:
    answer = sent(site, traces(span(), span(own=b"")).SerializeToString())
    assert ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans == 1


def test_a_message_with_a_bad_character_is_kept(site: Site) -> None:
    spoiled = (
        traces(span({"controlsurface.task_type": "<spoil>"})).SerializeToString().replace(b"<spoil>", b"caf\xe9!\xff!")
    )
    assert sent(site, spoiled) == b""
    assert site.counters.snapshot()["mended"] == 1
    assert "caf\ufffd!\ufffd!".encode() in site.records()[0].payload


def test_a_malformed_message_is_an_invalid_argument(site: Site) -> None:
    code, said, trailers = refusal(site, b"\xff\xff")
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    status = Status.FromString(trailers["grpc-status-details-bin"])
    assert (status.code, status.message) == (3, said)
    assert site.counters.snapshot()["bad_bodies"] == 1


def test_a_busy_server_says_when_to_return_in_both_places_that_clients_look(opened: Callable[[Config], Site]) -> None:
    site = opened(Config(receiver=ReceiverConfig(max_pending=1)))
    sent(site, traces(span()).SerializeToString())
    code, _, trailers = refusal(site, traces(span()).SerializeToString())
    assert code is grpc.StatusCode.UNAVAILABLE
    details = Status.FromString(trailers["grpc-status-details-bin"]).details
    retry = RetryInfo()
    assert details[0].Unpack(retry)
    assert retry.retry_delay.seconds == 1
    assert RetryInfo.FromString(trailers["google.rpc.retryinfo-bin"]) == retry


@pytest.mark.parametrize("compressed", [False, True])
def test_a_message_over_the_limit_is_resource_exhausted_without_a_retry_time(
    opened: Callable[[Config], Site], compressed: bool
) -> None:
    site = opened(Config(receiver=ReceiverConfig(max_grpc_body=100_000)))
    large = traces(span({"k": "x" * 200_000})).SerializeToString()
    assert len(gzip.compress(large)) < 1000
    code, _, trailers = refusal(site, large, compressed=compressed)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not any("retry" in key for key in trailers)
    assert site.records() == []


def test_a_message_that_does_not_fit_in_memory_is_unavailable(opened: Callable[[Config], Site]) -> None:
    site = opened(Config(receiver=ReceiverConfig(max_buffered=100)))
    code, said, _ = refusal(site, traces(span({"k": "x" * 200})).SerializeToString())
    assert code is grpc.StatusCode.UNAVAILABLE
    assert "max_buffered" in said
    assert site.counters.snapshot()["refused"] == 1


def test_a_disk_that_hangs_is_unavailable_before_senders_give_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlsurface.ingest.receivers.otlp_grpc.ANSWER_TIMEOUT_S", 0.2)
    hanging = threading.Event()
    monkeypatch.setattr("controlsurface.ingest.journal.journal.os.fdatasync", lambda fd: hanging.wait(10))
    assert refusal(site, traces(span()).SerializeToString())[0] is grpc.StatusCode.UNAVAILABLE
    hanging.set()


def test_an_unexpected_error_is_internal_and_says_no_more(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlsurface.ingest.validation.checker_process.validate_body", lambda *_: 1 / 0)
    assert refusal(site, b"x")[:2] == (grpc.StatusCode.INTERNAL, "internal error")


def test_a_message_larger_than_usual_is_taken_up_to_the_limit(site: Site) -> None:
    large = traces(span({"k": "x" * (15 << 20)})).SerializeToString()
    assert sent(site, large, compressed=True) == b""
    assert b"[dropped: 15728640 characters]" in site.records()[0].payload


def test_a_call_without_the_token_is_unauthenticated(guarded: Site) -> None:
    assert refusal(guarded, b"")[0] is grpc.StatusCode.UNAUTHENTICATED


def test_a_call_with_the_token_is_taken(guarded: Site) -> None:
    assert sent(guarded, traces(span()).SerializeToString(), metadata=(("authorization", "Bearer open sesame"),)) == b""


def test_a_taken_port_is_an_error(site: Site) -> None:
    port = int(site.grpc.rpartition(":")[2])
    with pytest.raises(PortInUse, match="in use"):
        GrpcReceiver(site.intake, Config(), "127.0.0.1", port, RefusalCounter("otlp_grpc"), 1000).start()
