"""Protobuf text that is not UTF-8 costs its bad characters, and is marked and counted; nothing else changes."""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from controlsurface.config import ContentConfig
from controlsurface.errors import BadBody
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.validation.validate import validate_body
from controlsurface.ingest.wire.mend_marks import MENDED_ATTRIBUTE
from controlsurface.ingest.wire.mend_utf8 import mend_protobuf
from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, SIGNALS, Encoding, Signal
from tests.ingest.conftest import policy
from tests.ingest.filled_bodies import TOKEN, as_json, filled, get, put, texts
from tests.ingest.otlp_bodies import SPAN, TRACE, logs, metrics, pairs, span, traces
from tests.ingest.validation.test_validate import varint

EVERYTHING = policy(ContentConfig(store="all"))
WHOLE = {signal: filled(signal) for signal in SIGNALS}
WIRE = {signal: request.SerializeToString() for signal, request in WHOLE.items()}
JSON = {signal: as_json(request) for signal, request in WHOLE.items()}
TOKENS = {signal: sorted({get(*place) for place in texts(request)}) for signal, request in WHOLE.items()}
TORN = "ä🦊"[:1].encode()[:1]  # the first half of a letter


def spoiled(message: Message, **by_text: bytes) -> bytes:
    """The request with some texts, of as many bytes each, spoiled on the wire."""
    wire = message.SerializeToString()
    for text, bad in by_text.items():
        assert wire.count(text.encode()) >= 1
        assert len(text) == len(bad)
        wire = wire.replace(text.encode(), bad)
    return wire


def spans(payload: bytes) -> list[Span]:
    request = ExportTraceServiceRequest.FromString(payload)
    return [each for r in request.resource_spans for s in r.scope_spans for each in s.spans]


def marks(payload: bytes) -> list[str]:
    """What each span says of itself."""
    return [
        "".join(each.value.string_value for each in span.attributes if each.key == MENDED_ATTRIBUTE)
        for span in spans(payload)
    ]


def without_marks(message: Any) -> Any:
    for field, value in message.ListFields():
        if field.message_type and field.message_type.name == "KeyValue" and field.is_repeated:
            for at in reversed([at for at, each in enumerate(value) if each.key == MENDED_ATTRIBUTE]):
                del value[at]
        if field.message_type:
            for each in value if field.is_repeated else (value,):
                without_marks(each)
    return message


@given(st.sampled_from(SIGNALS), st.sampled_from(["protobuf", "json"]), st.data())
def test_a_mended_body_keeps_all_items_and_all_other_fields_whatever_texts_are_bad(
    signal: Signal, encoding: Encoding, data: st.DataObject
) -> None:
    noise = st.binary(min_size=TOKEN, max_size=TOKEN) | st.sampled_from([b"ab\xff\xfecdef", b"\xed\xa0\xbdabc\xe4\xbd"])
    if encoding == "json":
        noise = noise.map(lambda each: each.translate(None, b'"\\'))
    bad = data.draw(st.dictionaries(st.sampled_from(TOKENS[signal]), noise, min_size=1, max_size=6))
    sent, expected = WIRE if encoding == "protobuf" else JSON, EXPORT_REQUESTS[signal].FromString(WIRE[signal])
    wire = sent[signal]
    for token, bytes_ in bad.items():
        wire = wire.replace(token.encode(), bytes_)
    for owner, field, at in texts(expected):
        if (token := get(owner, field, at)) in bad:
            put(owner, field, at, bad[token].decode(errors="replace"))
    checked, sound = (validate_body(signal, each, encoding, EVERYTHING) for each in (wire, sent[signal]))
    assert (checked.accepted, checked.rejected, checked.message) == (sound.accepted, 0, sound.message)
    assert without_marks(EXPORT_REQUESTS[signal].FromString(checked.payload)) == expected
    assert bool(checked.mended) == any("\ufffd" in each.decode(errors="replace") for each in bad.values())


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda each: setattr(each, "name", "<spoil>"), "name"),
        (lambda each: setattr(each, "trace_state", "<spoil>"), "trace_state"),
        (lambda each: setattr(each.status, "message", "<spoil>"), "status message"),
        (lambda each: each.attributes.extend(pairs({"gen_ai.prompt": "<spoil>"})), "attribute gen_ai.prompt"),
        (lambda each: each.attributes.extend(pairs({"list": ["a", {"b": "<spoil>"}]})), "attribute list"),
        (lambda each: each.attributes.extend(pairs({"<spoil>": 1})), "attribute key"),
        (lambda each: each.events.add(name="<spoil>"), "event name"),
        (lambda each: each.events.add(name="e", attributes=pairs({"k": "<spoil>"})), "event attribute k"),
        (lambda each: each.links.add(trace_id=TRACE, span_id=SPAN, trace_state="<spoil>"), "link trace_state"),
    ],
)
def test_a_mended_span_says_what_was_mended(spoil: Callable[[Span], object], name: str) -> None:
    own, other = span({"a": 1}), span({"b": 2}, own=b"12345678")
    spoil(own)
    checked = validate_body(
        "traces", spoiled(traces(own, other), **{"<spoil>": b"caf\xe9\xff!!"}), "protobuf", EVERYTHING
    )
    assert marks(checked.payload) == [name, ""]
    assert (checked.accepted, checked.mended, checked.message) == (2, 1, "")


def test_a_bad_text_that_spans_share_marks_each_of_them_and_not_the_resource() -> None:
    request = traces(span(), span(own=b"12345678"))
    request.resource_spans[0].resource.attributes.extend(pairs({"service.name": "<spoil>"}))
    request.resource_spans[0].scope_spans[0].scope.name = "<scope>"
    request.resource_spans[0].schema_url = "<where>"
    bad = dict.fromkeys(("<spoil>", "<scope>", "<where>"), b"\xff234567")
    checked = validate_body("traces", spoiled(request, **bad), "protobuf", EVERYTHING)
    assert marks(checked.payload) == ["resource attribute service.name,schema_url,scope name"] * 2
    kept = ExportTraceServiceRequest.FromString(checked.payload).resource_spans[0]
    assert [each.key for each in kept.resource.attributes] == ["service.name"]
    assert checked.mended == 2


def test_the_mark_of_a_mended_span_is_bounded() -> None:
    own = span({f"key.{n}" + "x" * 500: f"<text{n:02}>" for n in range(30)})
    bad = {f"<text{n:02}>": b"\xff2345678"[:8] for n in range(30)}
    (said,) = marks(validate_body("traces", spoiled(traces(own), **bad), "protobuf", EVERYTHING).payload)
    assert said.startswith("attribute key.0xxx")
    assert said.endswith("...")
    assert len(said) < 600


def test_log_records_and_data_points_are_counted_and_points_keep_their_series() -> None:
    record = LogRecord(body=AnyValue(string_value="<spoil>"))
    checked = validate_body(
        "logs", spoiled(logs(record, LogRecord()), **{"<spoil>": b"caf\xe9\xff!!"}), "protobuf", EVERYTHING
    )
    assert (checked.accepted, checked.mended) == (2, 1)
    request = metrics(points=3)
    request.resource_metrics[0].scope_metrics[0].metrics[0].unit = "<spoil>"
    checked = validate_body("metrics", spoiled(request, **{"<spoil>": b"caf\xe9\xff!!"}), "protobuf", EVERYTHING)
    request.resource_metrics[0].scope_metrics[0].metrics[0].unit = "caf\ufffd\ufffd!!"
    assert (checked.accepted, checked.mended) == (3, 3)
    assert checked.payload == request.SerializeToString()


def test_prompts_are_dropped_from_mended_spans_too(nothing_kept: ContentPolicy) -> None:
    sent = traces(span({"gen_ai.prompt": "my secret <spoil>"}))
    checked = validate_body("traces", spoiled(sent, **{"<spoil>": b"caf\xe9\xff!!"}), "protobuf", nothing_kept)
    assert b"secret" not in checked.payload
    assert marks(checked.payload) == ["attribute gen_ai.prompt"]


def test_a_text_cut_inside_a_letter_costs_that_letter() -> None:
    checked = validate_body("traces", spoiled(traces(span({"k": "<cut off>"})), **{"<cut off>": b"12345678" + TORN}),
                    "protobuf", EVERYTHING)  # fmt: skip
    assert spans(checked.payload)[0].attributes[0].value.string_value == "12345678\ufffd"


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a length of 2^64 - 1
        b"\x0a\xff\xff\xff\xff\x0fab",
        b"\x0a\x80" + b"\x80" * 20 + b"\x01",
        b"\x0a\x02\x2a\x05\xff",
        b"\x0b" * 5000,  # groups that never end
        b"\x0a\x03\x0f\xff\xff",
    ],
)
def test_a_body_that_is_no_protobuf_is_a_bad_body_as_before(hostile: bytes) -> None:
    bad_name = b"\x0a\x07\x12\x05\x12\x03\x2a\x01\xff"
    for body in (hostile, bad_name + hostile):
        with pytest.raises(BadBody, match="not an ExportTraceServiceRequest"):
            validate_body("traces", body, "protobuf", EVERYTHING)


def test_mending_noise_nested_as_deep_as_it_goes_ends_soon() -> None:
    body = b"\xff" * 400_000
    for tag in b"\x0a" + b"\x0a\x2a" * 200 + b"\x12\x0a\x0a\x0a":
        body = bytes([tag]) + varint(len(body)) + body
    begun = time.process_time()
    with pytest.raises(BadBody):
        validate_body("traces", body, "protobuf", EVERYTHING)
    assert time.process_time() - begun < 5


def test_a_body_with_more_bad_texts_than_a_mistake_makes_is_a_bad_body() -> None:
    links = b"\x6a\x03\x1a\x01\xff" * 100_001
    own = b"\x0a\x10%b\x12\x08%b%b" % (TRACE, SPAN, links)
    for tag in b"\x12\x12\x0a":
        own = bytes([tag]) + varint(len(own)) + own
    with pytest.raises(BadBody):
        validate_body("traces", own, "protobuf", EVERYTHING)


def test_a_deeply_nested_text_is_mended_in_a_few_times_its_own_memory() -> None:
    body = b"x" * (1 << 20) + b"\xff"
    for tag in b"\x0a" + b"\x0a\x2a" * 40 + b"\x12\x0a\x0a\x0a":
        body = bytes([tag]) + varint(len(body)) + body
    tracemalloc.start()
    sound = mend_protobuf(ExportTraceServiceRequest, body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sound is not None
    assert b"x\xef\xbf\xbd" in sound
    assert peak < 10 * len(body)


def test_ten_thousand_bad_texts_in_four_mebibytes_are_mended_within_seconds() -> None:
    many = [span({"model": "m", "text": "<spoil>" + "x" * 330}, own=n.to_bytes(8, "big")) for n in range(1, 10_001)]
    body = spoiled(traces(*many), **{"<spoil>": b"caf\xe9\xff!!"})
    assert len(body) > 3.9 * (1 << 20)
    begun = time.process_time()
    checked = validate_body("traces", body, "protobuf", EVERYTHING)
    assert (checked.accepted, checked.mended) == (10_000, 10_000)
    assert time.process_time() - begun < 5  # 0.3 s where nobody traces
