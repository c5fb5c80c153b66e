"""What of a body may be kept, and what is said about the rest."""

from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from controlsurface.errors import BadBody
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.validation.validate import ValidatedBody, validate_body
from controlsurface.ingest.wire.otlp_request import SIGNALS, Encoding
from tests.ingest.otlp_bodies import SPAN, TRACE, logs, metrics, pairs, span, traces


def test_a_body_that_needs_no_change_is_kept_as_the_same_bytes(
    nothing_kept: ContentPolicy, all_kept: ContentPolicy
) -> None:
    body = traces(span({"gen_ai.request.model": "slm"})).SerializeToString()
    with_unknown_field = body + b"\x9a\x3e\x03abc"
    assert validate_body("traces", body, "protobuf", nothing_kept) == ValidatedBody(body, 1)
    assert validate_body("traces", with_unknown_field, "protobuf", all_kept) == ValidatedBody(with_unknown_field, 1)


def test_an_empty_body_is_a_success_with_nothing_in_it(nothing_kept: ContentPolicy) -> None:
    for encoding in ("protobuf", "json"):
        assert validate_body("traces", b"", encoding, nothing_kept) == ValidatedBody(b"", 0)
    assert validate_body("traces", b"{}", "json", nothing_kept) == ValidatedBody(b"", 0)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (span(trace=b""), "trace_id"),
        (span(trace=bytes(16)), "trace_id"),
        (span(trace=TRACE[:8]), "trace_id"),
        (span(trace=TRACE + b"x"), "trace_id"),
        (span(own=b""), "span_id"),
        (span(own=bytes(8)), "span_id"),
        (span(own=SPAN[:4]), "span_id"),
        (span(parent=SPAN[:7]), "parent_span_id"),
    ],
)
def test_a_span_without_a_proper_id_is_rejected_alone(nothing_kept: ContentPolicy, bad: Span, said: str) -> None:
    good = span({"a": 1}, own=b"12345678", parent=SPAN)
    checked = validate_body("traces", traces(bad, good, bad).SerializeToString(), "protobuf", nothing_kept)
    assert (checked.accepted, checked.rejected) == (1, 2)
    assert checked.message.startswith(f"rejected 2 spans: {said} must be")
    assert checked.payload == traces(good).SerializeToString()


def test_a_parent_of_zeros_is_no_parent(nothing_kept: ContentPolicy) -> None:
    checked = validate_body("traces", traces(span(parent=bytes(8))).SerializeToString(), "protobuf", nothing_kept)
    assert checked == ValidatedBody(traces(span()).SerializeToString(), 1)


def test_a_link_that_leads_nowhere_costs_the_link_and_not_the_span(nothing_kept: ContentPolicy) -> None:
    good = Span.Link(trace_id=TRACE, span_id=SPAN)
    linked = span()
    linked.links.extend([Span.Link(trace_id=TRACE), good, Span.Link(trace_id=b"x", span_id=SPAN)])
    checked = validate_body("traces", traces(linked).SerializeToString(), "protobuf", nothing_kept)
    assert (checked.accepted, checked.rejected) == (1, 0)
    assert checked.message == "dropped 2 links without valid ids from spans that were accepted"
    kept = ExportTraceServiceRequest.FromString(checked.payload).resource_spans[0].scope_spans[0].spans[0]
    assert list(kept.links) == [good]


def test_a_log_record_needs_no_ids_but_a_malformed_one_is_rejected(nothing_kept: ContentPolicy) -> None:
    records = [LogRecord(event_name="a"), LogRecord(trace_id=b"short"), LogRecord(trace_id=TRACE, span_id=SPAN)]
    checked = validate_body(
        "logs", logs(*records, LogRecord(span_id=b"short")).SerializeToString(), "protobuf", nothing_kept
    )
    assert (checked.accepted, checked.rejected) == (2, 2)
    kept = ExportLogsServiceRequest.FromString(checked.payload).resource_logs[0].scope_logs[0].log_records
    assert [record.trace_id for record in kept] == [b"", TRACE]


def test_metrics_are_counted_by_data_points(nothing_kept: ContentPolicy) -> None:
    body = metrics(points=3).SerializeToString()
    assert validate_body("metrics", body, "protobuf", nothing_kept) == ValidatedBody(body, 3)


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x05abc", b"not protobuf", b"{}"])
def test_a_body_that_is_not_protobuf_is_a_bad_body(nothing_kept: ContentPolicy, body: bytes) -> None:
    with pytest.raises(BadBody, match="not an ExportTraceServiceRequest"):
        validate_body("traces", body, "protobuf", nothing_kept)


def nested(levels: int) -> Span:
    value = AnyValue(string_value="deep")
    for _ in range(levels):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    deep = span()
    deep.attributes.add(key="deep").value.CopyFrom(value)
    return deep


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("levels", [60, 200, 5000, 200_000])
def test_messages_nested_too_deep_are_a_bad_body(nothing_kept: ContentPolicy, encoding: Encoding, levels: int) -> None:
    with pytest.raises(BadBody):
        validate_body("traces", deep_body(encoding, levels), encoding, nothing_kept)


def deep_body(encoding: Encoding, levels: int) -> bytes:
    """Built from the inside, since no library writes such a thing."""
    if encoding == "json":
        value = '{"arrayValue":{"values":[' * levels + '{"intValue":1}' + "]}}" * levels
        attribute = '{"attributes":[{"key":"deep","value":' + value + "}]}"
        return ('{"resourceSpans":[{"resource":' + attribute + "}]}").encode()
    inner = b""
    for _ in range(min(levels, 5000)):
        inner = b"\x0a" + varint(len(inner)) + inner  # values
        inner = b"\x2a" + varint(len(inner)) + inner  # array_value
    for tag in (b"\x12", b"\x0a", b"\x0a", b"\x0a"):  # value, attributes, resource, resource_spans
        inner = tag + varint(len(inner)) + inner
    return inner


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def test_a_message_nested_as_deep_as_protobuf_allows_is_kept(nothing_kept: ContentPolicy) -> None:
    body = traces(nested(40)).SerializeToString()
    assert validate_body("traces", body, "protobuf", nothing_kept) == ValidatedBody(body, 1)


def test_resources_scopes_events_and_links_are_cleaned_as_well(nothing_kept: ContentPolicy) -> None:
    full = span()
    full.events.add(name="gen_ai.user.message", attributes=pairs({"gen_ai.event.content": "my secret", "n": 1}))
    full.links.add(trace_id=TRACE, span_id=SPAN, attributes=pairs({"input.value": "my secret"}))
    request = traces(full)
    request.resource_spans[0].resource.attributes.extend(pairs({"cache.key": "my secret", "service.name": "router"}))
    request.resource_spans[0].scope_spans[0].scope.attributes.extend(pairs({"gen_ai.prompt": "my secret"}))
    checked = validate_body("traces", request.SerializeToString(), "protobuf", nothing_kept)
    assert checked.accepted == 1
    assert b"secret" not in checked.payload
    assert b"router" in checked.payload


@pytest.mark.parametrize("ours", ["handmade-1-ids", "handmade-1-json-base64-ids"])
def test_captured_spans_with_bad_ids_are_rejected_one_by_one(
    captures: Path, nothing_kept: ContentPolicy, ours: str
) -> None:
    (path,) = captures.glob(f"{ours}.traces.*")
    checked = validate_body("traces", path.read_bytes(), "json" if path.suffix == ".json" else "protobuf", nothing_kept)
    assert (checked.accepted, checked.rejected) == ((1, 4) if path.suffix == ".pb" else (0, 1))


def test_every_captured_body_but_the_cut_one_is_taken(captures: Path, all_kept: ContentPolicy) -> None:
    for path in [*captures.glob("*.pb"), *captures.glob("*.json")]:
        signal = next(each for each in SIGNALS if f".{each}." in path.name)
        encoding: Encoding = "json" if path.suffix == ".json" else "protobuf"
        if "truncated" in path.name:
            with pytest.raises(BadBody):
                validate_body(signal, path.read_bytes(), encoding, all_kept)
        elif "ids" not in path.name:
            checked = validate_body(signal, path.read_bytes(), encoding, all_kept)
            assert (checked.rejected, checked.message) == (0, ""), path.name
            assert checked.accepted or path.stat().st_size == 0, path.name
