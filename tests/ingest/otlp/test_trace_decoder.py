"""The reference decoder takes many bodies a slice at a time; nobody can tell from the columns."""

from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from controlsurface.config import Config
from controlsurface.ingest.otlp import trace_decoder
from controlsurface.ingest.translate import conventions
from tests.ingest.spans import S, body, call, route

WANTED = conventions.load_conventions(Config()).wanted
EVENT_KEY = min(key for key in WANTED if key.startswith("event."))
BODIES = [
    (body(route(1, confidence=0.5), call(2, 1)), 20),
    (body(call(3, 1, error=True), S(4, 1, {"unread": 1})), 30),
    (body(call(2, 1, gen_ai__response__model="slm-7b-2026"), S(5, 1, {"unread": 2})), 10),
]


def told(decoded: trace_decoder.DecodedSpans) -> tuple[Any, ...]:
    rows = decoded.table.sort_by("span_id").to_pylist()
    return [dict(sorted(row.items())) for row in rows], decoded.keys, dict(decoded.unread), decoded.repeats


@pytest.mark.parametrize("repeated", [BODIES, BODIES[:2]], ids=["copies in two slices", "no copies"])
def test_slices_of_one_body_give_what_one_slice_of_all_gives(
    repeated: list[tuple[bytes, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = told(trace_decoder.decode_traces(repeated, WANTED))
    monkeypatch.setattr(trace_decoder, "SLICE_BYTES", 1)
    assert told(trace_decoder.decode_traces(repeated, WANTED)) == at_once


def texts(*pairs: tuple[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in pairs]


def test_the_first_of_repeated_attributes_counts_and_the_last_of_repeated_events() -> None:
    event, key = EVENT_KEY[6:].rsplit("/", 1)
    events = [Span.Event(name=event, attributes=texts((key, text))) for text in ("earlier", "later")]
    models = texts(("gen_ai.request.model", "first"), ("gen_ai.request.model", "second"))
    export = ExportTraceServiceRequest()
    span = Span(trace_id=b"t" * 16, span_id=b"s" * 8, attributes=models, events=events)
    export.resource_spans.add().scope_spans.add(spans=[span])
    (row,) = trace_decoder.decode_traces([(export.SerializeToString(), 1)], WANTED).table.to_pylist()
    assert (row["@gen_ai.request.model"], row[f"@{EVENT_KEY}"]) == ("first", "later")


def test_decode_traces_of_no_body_is_an_empty_table_with_all_base_columns() -> None:
    assert trace_decoder.decode_traces([], WANTED).table.schema.names == trace_decoder.BASE_SCHEMA.names
