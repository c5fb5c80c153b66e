"""Bodies as real senders wrote them, after public reports: what is kept, what is marked, what is refused alone.

The bodies are our own; each case names the tracker in which its kind was reported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from controlsurface.config import ContentConfig
from controlsurface.ingest.validation.validate import validate_body
from controlsurface.ingest.wire.mend_marks import MENDED_ATTRIBUTE
from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, Encoding, Signal
from tests.ingest.conftest import policy
from tests.ingest.otlp_bodies import TRACE, logs, metrics, pairs, span, traces

EVERYTHING = policy(ContentConfig(store="all"))
Found = Callable[[Any], object]


@dataclass(frozen=True)
class Case:
    """A body, what it must come to, and a look at one thing in it."""

    source: str
    signal: Signal
    body: bytes
    look: Found
    seen: object
    accepted: int = 2
    rejected: int = 0
    mended: int = 0
    encoding: Encoding = "json"


def item(**fields: object) -> dict[str, object]:
    return {"traceId": TRACE.hex(), "spanId": "00000000000000aa", "name": "chat", **fields}


def attribute(value: object, key: str = "k") -> list[object]:
    return [{"key": key, "value": value}]


def spans(*items: object) -> bytes:
    """The items and one that is sound."""
    return orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [*items, item(spanId="00000000000000bb")]}]}]})


def records(*items: object) -> bytes:
    return orjson.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [*items, {"severityText": "INFO"}]}]}]})


def first(request: Any) -> Any:
    """The first span."""
    return request.resource_spans[0].scope_spans[0].spans[0]


def value(request: Any) -> AnyValue:
    """Of its first attribute."""
    found = first(request).attributes[0].value
    assert isinstance(found, AnyValue)
    return found


def record(request: Any) -> Any:
    return request.resource_logs[0].scope_logs[0].log_records[0]


def metric(request: Any) -> Any:
    return request.resource_metrics[0].scope_metrics[0].metrics[0]


def spoiled(message: Any, bad: bytes) -> bytes:
    """Protobuf whose text `<spoil>` is these bytes."""
    assert len(bad) == len("<spoil>")
    wire: bytes = message.SerializeToString()
    assert b"<spoil>" in wire
    return wire.replace(b"<spoil>", bad)


def latin_metric() -> bytes:
    request = metrics(points=2)
    metric(request).name = "<spoil>"
    return spoiled(request, b"Stra\xdfe1")


CASES = [
    Case(
        "grafana/loki#24423: a log body with the bytes ff fe in JSON",
        "logs",
        records({"body": {"stringValue": "<spoil>"}}).replace(b"<spoil>", b"a\xff\xfeb"),
        lambda request: record(request).body.string_value,
        "a\ufffd\ufffdb",
        mended=1,
    ),
    Case(
        "fluent/fluent-bit#12397: status codes by their short names",
        "traces",
        spans(item(status={"code": "ERROR", "message": "no"})),
        lambda request: first(request).status.code,
        2,
    ),
    Case(
        "MindfulSoftwareLLC/dartastic_opentelemetry#86: enums by their full names",
        "traces",
        spans(item(kind="SPAN_KIND_CLIENT", status={"code": "STATUS_CODE_OK"})),
        lambda request: (first(request).kind, first(request).status.code),
        (3, 1),
    ),
    Case(
        "vercel/ai#6546: a token count of NaN, written as doubleValue null",
        "traces",
        spans(item(attributes=attribute({"doubleValue": None}, "gen_ai.usage.input_tokens"))),
        lambda request: value(request).WhichOneof("value"),
        None,
    ),
    Case(
        "VictoriaMetrics/VictoriaTraces#134: text and a number in one value",
        "traces",
        spans(item(attributes=attribute({"stringValue": "test-service", "intValue": 10}))),
        lambda request: value(request).WhichOneof("value") in {"string_value", "int_value"},
        True,
    ),
    Case(
        "tloncorp/tlon-apps#6030: a fraction as intValue",
        "traces",
        spans(item(attributes=attribute({"intValue": "1.5"}))),
        lambda request: value(request).double_value,
        1.5,
        mended=1,
    ),
    Case(
        "open-telemetry/opentelemetry-js#4202: times in two halves, as protobuf.js keeps 64 bits",
        "traces",
        spans(item(startTimeUnixNano={"low": 1029103616, "high": 416767886, "unsigned": True})),
        lambda request: first(request).start_time_unix_nano,
        416767886 * 2**32 + 1029103616,
    ),
    Case(
        "open-telemetry/opentelemetry-js#4309: a log's time a million times too large",
        "logs",
        records({"timeUnixNano": "1700344572441000936000000", "body": {"stringValue": "lost"}}),
        lambda request: record(request).severity_text,
        "INFO",
        accepted=1,
        rejected=1,
    ),
    Case(
        "open-telemetry/opentelemetry-php#265: PHP writes an object without members as a list",
        "traces",
        spans(item(status=[], attributes=attribute([]))),
        lambda request: len(first(request).attributes),
        1,
    ),
    Case(
        "latitude-dev/latitude-llm#4220: half of a surrogate pair in a span's text",
        "traces",
        spans(item(attributes=attribute({"stringValue": "<spoil>"}))).replace(b"<spoil>", b"cut \\ud83e"),
        lambda request: value(request).string_value,
        "cut \ufffd",
        mended=1,
    ),
    Case(
        "planetf1/otelite#233: a metric's integer as text",
        "metrics",
        orjson.dumps(
            {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"sum": {"dataPoints": [{"asInt": "42"}] * 2}}]}]}]}
        ),
        lambda request: metric(request).sum.data_points[0].as_int,
        42,
    ),
    Case(
        "apify/apify-client-python#87: NaN and Infinity as Python writes them",
        "traces",
        spans(item(attributes=attribute({"doubleValue": 0.125}))).replace(b"0.125", b"Infinity"),
        lambda request: value(request).double_value,
        float("inf"),
    ),
    Case(
        "mulgadc/predastore#55: an error's text from the network in a log's attribute",
        "logs",
        spoiled(logs(LogRecord(attributes=pairs({"error": "<spoil>"})), LogRecord()), b"eof \xc3\x28\xfe"),
        lambda request: record(request).attributes[0].value.string_value,
        "eof \ufffd(\ufffd",
        mended=1,
        encoding="protobuf",
    ),
    Case(
        "open-telemetry/opentelemetry-ruby#1903: a log line that is not UTF-8",
        "logs",
        spoiled(logs(LogRecord(body=AnyValue(string_value="<spoil>")), LogRecord()), b"\xe9t\xe9 \xe2\x82!"),
        lambda request: record(request).body.string_value,
        "\ufffdt\ufffd \ufffd!",
        mended=1,
        encoding="protobuf",
    ),
    Case(
        "kentik/ktranslate#919: a device's Latin-1 in a metric's name",
        "metrics",
        latin_metric(),
        lambda request: metric(request).name,
        "Stra\ufffde1",
        mended=2,
        encoding="protobuf",
    ),
    Case(
        "GoogleCloudPlatform/opentelemetry-operations-go#1141: name, event and status of one span",
        "traces",
        spoiled(traces(span({"<spoil>": "<spoil>"}), span(own=b"12345678")), b"abc\xff\xfede"),
        lambda request: (first(request).attributes[0].key, first(request).attributes[0].value.string_value),
        ("abc\ufffd\ufffdde",) * 2,
        mended=1,
        encoding="protobuf",
    ),
    Case(
        "rajudandigam/agent-inspect#128: times as numbers, rounded where they were made",
        "traces",
        spans(item(startTimeUnixNano=1.7837e18, endTimeUnixNano=1783700000000000001)),
        lambda request: (first(request).start_time_unix_nano, first(request).end_time_unix_nano),
        (1783700000000000000, 1783700000000000001),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.source.partition(":")[0])
def test_a_publicly_reported_body_comes_to_what_it_can_only_mean(case: Case) -> None:
    checked = validate_body(case.signal, case.body, case.encoding, EVERYTHING)
    assert (checked.accepted, checked.rejected, checked.mended) == (case.accepted, case.rejected, case.mended)
    assert case.look(EXPORT_REQUESTS[case.signal].FromString(checked.payload)) == case.seen
    assert (MENDED_ATTRIBUTE.encode() in checked.payload) == (case.mended > 0 and case.signal != "metrics")
