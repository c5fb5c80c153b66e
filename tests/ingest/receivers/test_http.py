"""OTLP/HTTP over real sockets: what a server owes its senders."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from controlsurface.config import Config, JournalConfig, ReceiverConfig
from tests.ingest.conftest import Site
from tests.ingest.otlp_bodies import SPAN, TRACE, body, logs, metrics, span, traces

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
ONE_SPAN = {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": TRACE.hex(), "spanId": SPAN.hex()}]}]}]}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20) as made:
        yield made


def post(client: httpx.Client, site: Site, content: object, path: str = "/v1/traces", **headers: str) -> httpx.Response:
    sent = {"content-type": PROTOBUF, **{name.replace("_", "-"): text for name, text in headers.items()}}
    return client.post(site.http + path, content=content, headers=sent)  # type: ignore[arg-type]


def status_of(response: httpx.Response) -> Status:
    assert response.headers["content-type"] == PROTOBUF
    return Status.FromString(response.content)


def test_a_full_success_is_an_empty_message_in_the_encoding_of_the_request(site: Site, client: httpx.Client) -> None:
    for path, request in (("/v1/traces", traces(span())), ("/v1/logs", logs(LogRecord())), ("/v1/metrics", metrics(2))):
        answer = post(client, site, request.SerializeToString(), path)
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", PROTOBUF)
    answer = post(client, site, json.dumps(ONE_SPAN), content_type="application/json; charset=utf-8")
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (200, {}, JSON)
    assert [(record.signal, record.items) for record in site.records()] == [
        ("traces", 1),
        ("logs", 1),
        ("metrics", 2),
        ("traces", 1),
    ]


@pytest.mark.parametrize(
    ("kind", "empty"), [(PROTOBUF, b""), (JSON, b""), (JSON, b"{}"), (JSON, b'{"resourceSpans":[]}')]
)
def test_an_empty_body_is_a_success_and_not_kept(site: Site, client: httpx.Client, kind: str, empty: bytes) -> None:
    answer = post(client, site, empty, content_type=kind)
    assert (answer.status_code, answer.content) == (200, b"" if kind == PROTOBUF else b"{}")
    assert site.records() == []


def test_rejected_spans_are_reported_in_both_encodings(site: Site, client: httpx.Client) -> None:
    some = traces(span(), span(trace=b""), span(own=b"short"))
    told = ExportTraceServiceResponse.FromString(post(client, site, some.SerializeToString()).content).partial_success
    assert told.rejected_spans == 2
    assert "span_id must be 8 bytes" in told.error_message
    bad = json.dumps(ONE_SPAN).replace(SPAN.hex(), "7uGbfsPBsXQ=")
    answer = post(client, site, bad, content_type=JSON)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"


def test_mended_spans_are_counted_and_not_reported_to_the_sender(site: Site, client: httpx.Client) -> None:
    spoiled = traces(span({"text": "<spoil>"}), span(own=b"12345678")).SerializeToString()
    answer = post(client, site, spoiled.replace(b"<spoil>", b"caf\xe9!\xff!"))
    assert (answer.status_code, answer.content) == (200, b"")
    answer = post(client, site, json.dumps(ONE_SPAN).replace("spanId", 'name": "\\ud83d", "spanId'), content_type=JSON)
    assert (answer.status_code, answer.json()) == (200, {})
    counts = site.counters.snapshot()
    assert (counts["accepted"], counts["mended"], counts["rejected"], counts["bad_bodies"]) == (3, 2, 0, 0)
    assert [record.items for record in site.records()] == [2, 1]


def test_a_span_of_the_wrong_type_is_rejected_alone_and_its_place_named(site: Site, client: httpx.Client) -> None:
    two = json.loads(json.dumps(ONE_SPAN))
    two["resourceSpans"][0]["scopeSpans"][0]["spans"].append({"startTimeUnixNano": "yesterday"})
    told = post(client, site, json.dumps(two), content_type=JSON).json()["partialSuccess"]
    assert told["rejectedSpans"] == "1"
    assert told["errorMessage"] == "rejected 1 spans: startTimeUnixNano: expected an integer, not 'yesterday'"
    assert [record.items for record in site.records()] == [1]


def test_rejected_log_records_are_reported_under_their_name(site: Site, client: httpx.Client) -> None:
    answer = post(client, site, logs(LogRecord(span_id=b"x")).SerializeToString(), "/v1/logs")
    assert ExportLogsServiceResponse.FromString(answer.content).partial_success.rejected_log_records == 1


def test_a_dropped_link_is_a_warning_and_nothing_is_rejected(site: Site, client: httpx.Client) -> None:
    linked = span()
    linked.links.add(trace_id=TRACE)
    told = ExportTraceServiceResponse.FromString(post(client, site, traces(linked).SerializeToString()).content)
    assert told.partial_success.rejected_spans == 0
    assert "dropped 1 links" in told.partial_success.error_message


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "identity"])
def test_every_usual_content_encoding_is_decoded(site: Site, client: httpx.Client, coding: str) -> None:
    sent = body(3)
    packed = {"gzip": gzip.compress(sent), "deflate": zlib.compress(sent)}.get(coding.lower(), sent)
    assert post(client, site, packed, content_encoding=coding).status_code == 200
    assert site.records()[0].payload == sent


def test_a_chunked_body_without_a_length_is_taken(site: Site, client: httpx.Client) -> None:
    sent = body(50)
    assert post(client, site, (sent[at : at + 7] for at in range(0, len(sent), 7))).status_code == 200
    assert site.records()[0].payload == sent


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_a_malformed_body_is_400_with_a_status_and_harms_no_other(site: Site, client: httpx.Client, kind: str) -> None:
    answer = post(client, site, b"\xff\xff{", content_type=kind)
    assert (answer.status_code, answer.headers["content-type"]) == (400, kind)
    code = status_of(answer).code if kind == PROTOBUF else answer.json()["code"]
    assert code == 3
    assert post(client, site, body()).status_code == 200
    assert [record.items for record in site.records()] == [1]
    assert site.counters.snapshot()["bad_bodies"] == 1


def test_a_captured_body_that_was_cut_is_400(site: Site, client: httpx.Client, captures: Path) -> None:
    answer = post(client, site, (captures / "handmade-1-truncated.traces.pb").read_bytes())
    assert answer.status_code == 400
    assert "not an ExportTraceServiceRequest" in status_of(answer).message


def test_protobuf_that_calls_itself_json_is_answered_in_json(site: Site, client: httpx.Client) -> None:
    answer = post(client, site, body(), content_type=JSON)
    assert (answer.status_code, answer.json()) == (200, {})


def test_damaged_gzip_is_400(site: Site, client: httpx.Client) -> None:
    whole = gzip.compress(body())
    for damaged in (b"not gzip", whole[:-9], whole + b"tail"):
        assert post(client, site, damaged, content_encoding="gzip").status_code == 400


def test_a_body_over_the_limit_is_413_announced_chunked_or_compressed(
    opened: Callable[[Config], Site], client: httpx.Client
) -> None:
    site = opened(Config(receiver=ReceiverConfig(max_http_body=10_000)))
    large = bytes(1_000_000)
    for answer in (
        post(client, site, large),
        post(client, site, (large[at : at + 1000] for at in range(0, len(large), 1000))),
        post(client, site, gzip.compress(large), content_encoding="gzip"),
    ):
        assert (answer.status_code, status_of(answer).code) == (413, 8)
    assert post(client, site, body()).status_code == 200
    assert site.counters.snapshot()["too_large"] == 3


def test_a_gzip_bomb_is_refused_without_being_unpacked(opened: Callable[[Config], Site], client: httpx.Client) -> None:
    site = opened(Config(receiver=ReceiverConfig(max_http_body=1 << 20)))
    bomb = gzip.compress(gzip.compress(bytes(40 << 20)))  # 40 MiB in a few hundred bytes
    assert post(client, site, bomb, content_encoding="gzip").status_code == 400  # one layer only is undone
    assert post(client, site, gzip.decompress(bomb), content_encoding="gzip").status_code == 413


@pytest.mark.parametrize(
    ("kind", "coding"), [("text/plain", ""), ("", ""), ("application/grpc", ""), (PROTOBUF, "br"), (JSON, "zstd")]
)
def test_unknown_content_types_and_encodings_are_415(site: Site, client: httpx.Client, kind: str, coding: str) -> None:
    answer = post(client, site, body(), content_type=kind, content_encoding=coding)
    assert answer.status_code == 415
    assert "must be one of" in answer.text


def test_unknown_paths_are_404_and_unsupported_methods_405(site: Site, client: httpx.Client) -> None:
    assert post(client, site, body(), "/v1/profiles").status_code == 404
    answer = client.get(site.http + "/v1/traces")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic open sesame", "open sesame"])
def test_bodies_without_the_token_are_401(guarded: Site, client: httpx.Client, given: str) -> None:
    answer = post(client, guarded, body(), authorization=given)
    assert (answer.status_code, answer.headers["www-authenticate"], status_of(answer).code) == (401, "Bearer", 16)
    assert guarded.records() == []


def test_bodies_with_the_token_are_taken(guarded: Site, client: httpx.Client) -> None:
    assert post(client, guarded, body(), authorization="bearer open sesame").status_code == 200


def test_senders_get_503_and_retry_after_when_the_store_is_too_far_behind(
    opened: Callable[[Config], Site], client: httpx.Client
) -> None:
    site = opened(Config(receiver=ReceiverConfig(max_pending=1)))
    assert post(client, site, body()).status_code == 200
    answer = post(client, site, body())
    assert (answer.status_code, answer.headers["retry-after"], status_of(answer).code) == (503, "1", 14)
    assert "max_pending" in site.intake.reasons()[0]
    site.journal.release(site.journal.end)
    assert post(client, site, body()).status_code == 200
    assert site.counters.snapshot()["refused"] == 1


def test_senders_get_503_when_too_much_is_in_memory(opened: Callable[[Config], Site], client: httpx.Client) -> None:
    site = opened(Config(receiver=ReceiverConfig(max_buffered=20_000)))
    large = traces(span({"k": "x" * 19_000}))
    assert post(client, site, bytes(30_000)).status_code == 503
    assert post(client, site, gzip.compress(large.SerializeToString()), content_encoding="gzip").status_code == 200
    assert post(client, site, body()).status_code == 200  # nothing stays occupied


def test_a_full_disk_is_503_and_later(opened: Callable[[Config], Site], client: httpx.Client) -> None:
    site = opened(Config(journal=JournalConfig(min_free=1 << 60)))
    answer = post(client, site, body())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "min_free" in site.intake.reasons()[0]


def test_an_unexpected_error_is_500_and_says_no_more(
    site: Site, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("controlsurface.ingest.validation.checker_process.validate_body", lambda *_: 1 / 0)
    answer = post(client, site, b"x")
    assert (answer.status_code, status_of(answer).code, status_of(answer).message) == (500, 13, "internal error")
    assert "ZeroDivisionError" in caplog.text


def test_bodies_after_the_intake_is_closed_are_503(site: Site, client: httpx.Client) -> None:
    site.intake.close()
    answer = post(client, site, body())
    assert (answer.status_code, status_of(answer).message) == (503, "the server is stopping")


def test_a_body_sent_again_is_journaled_again_since_the_store_deduplicates(site: Site, client: httpx.Client) -> None:
    sent = body()
    assert [post(client, site, sent).status_code for _ in range(2)] == [200, 200]
    assert [record.payload for record in site.records()] == [sent, sent]


def test_ingest_counters_count_received_accepted_rejected_and_pending_items(site: Site, client: httpx.Client) -> None:
    post(client, site, traces(span(), span(own=b"")).SerializeToString())
    counts = site.counters.snapshot()
    assert (counts["received"], counts["accepted"], counts["rejected"], counts["pending"]) == (2, 1, 1, 1)
    assert counts["last_accepted_ns"] > 1_700_000_000_000_000_000
    site.counters.add(stored=1)
    assert (site.counters.snapshot()["pending"], site.counters.snapshot()["lag_ms"]) == (0, 0)
