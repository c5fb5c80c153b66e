"""OTLP/JSON, in every dialect that real senders speak."""

import json
import math
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from controlsurface.errors import BadBody
from controlsurface.ingest.check import check
from controlsurface.ingest.json_otlp import parse
from controlsurface.ingest.prompts import Prompts
from tests.receivers.bodies import SPAN, TRACE, Plain, pairs, span, traces


def request(value: object = None, **fields: object) -> bytes:
    """One span with one attribute."""
    own = {"traceId": TRACE.hex(), "spanId": SPAN.hex(), "name": "chat", **fields}
    own["attributes"] = [] if value is None else [{"key": "k", "value": value}]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [own]}]}]}).encode()


def read(body: bytes) -> Any:
    message = parse("traces", body).request
    assert isinstance(message, ExportTraceServiceRequest)
    return message.resource_spans[0].scope_spans[0].spans[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"stringValue": ""}, ""),
        ({"stringValue": "Grüße \u2028"}, "Grüße \u2028"),
        ({"boolValue": False}, False),
        ({"intValue": "9223372036854775807"}, 2**63 - 1),
        ({"intValue": 9007199254740993}, 2**53 + 1),
        ({"intValue": "-9223372036854775808"}, -(2**63)),
        ({"intValue": 3.0}, 3),
        ({"doubleValue": 1}, 1.0),
        ({"doubleValue": "0.5"}, 0.5),
        ({"doubleValue": "-Infinity"}, -math.inf),
        ({"bytesValue": "AP/+"}, b"\x00\xff\xfe"),
        ({"bytesValue": "AP_-"}, b"\x00\xff\xfe"),
        ({"bytesValue": "YQ"}, b"a"),
        ({"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "x"}]}}, [1, "x"]),
        ({"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}}, {"a": True}),
    ],
)
def test_every_kind_of_value_is_read_exactly(value: object, expected: Plain) -> None:
    assert list(read(request(value)).attributes) == pairs({"k": expected})


def test_an_empty_value_is_present_without_a_kind() -> None:
    (attribute,) = read(request({})).attributes
    assert attribute.HasField("value")
    assert attribute.value.WhichOneof("value") is None


def test_nan_is_a_word() -> None:
    assert math.isnan(read(request({"doubleValue": "NaN"})).attributes[0].value.double_value)


def test_ids_are_hex_in_either_case() -> None:
    found = read(request(traceId=TRACE.hex().upper(), spanId=SPAN.hex().upper(), parentSpanId=SPAN.hex()))
    assert (found.trace_id, found.span_id, found.parent_span_id) == (TRACE, SPAN, SPAN)


@pytest.mark.parametrize("wrong", ["W47/95gDgQPSabYzgT/GDA==", "5b8e fff798038103d269b633813fc60d", "xyz", 7, ["a"]])
def test_ids_in_another_form_are_rejected_and_never_decoded_otherwise(nothing_kept: Prompts, wrong: object) -> None:
    for place in ("traceId", "spanId", "parentSpanId"):
        checked = check("traces", request(**{place: wrong}), "json", nothing_kept)
        assert (checked.accepted, checked.rejected) == (0, 1)


def test_times_are_exact_as_text_and_as_numbers() -> None:
    found = read(request(startTimeUnixNano="18446744073709551615", endTimeUnixNano=1790000000050000001))
    assert (found.start_time_unix_nano, found.end_time_unix_nano) == (2**64 - 1, 1790000000050000001)


def test_unknown_fields_nulls_and_other_spellings_of_names_are_ignored() -> None:
    found = read(request(futureField={"x": [1]}, status=None, end_time_unix_nano="5"))
    assert (found.name, found.end_time_unix_nano, found.HasField("status")) == ("chat", 0, False)


def test_enums_are_numbers_and_their_names_are_understood() -> None:
    assert read(request(kind=3)).kind == read(request(kind="SPAN_KIND_CLIENT")).kind == 3
    assert read(request(kind=77)).kind == 77


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "expected an object"),
        (b'"x"', "expected an object"),
        (b'{"resourceSpans": {}}', "resourceSpans: expected a list"),
        (b'{"resourceSpans": [1]}', "resourceSpans: expected an object for ResourceSpans, not 1"),
        (b'{"resourceSpans": [null]}', "resourceSpans: expected an object"),
        (b'{"resourceSpans": "\xff"}', "not JSON"),
        (b'{"resourceSpans": "\\ud800"}', "not JSON"),
        (request(startTimeUnixNano=-1), "JSON body"),
        (request(kind=2**63), "JSON body"),
        (request(flags="9" * 30), "JSON body"),
        (request(flags=-1), "JSON body"),
        (request(startTimeUnixNano="1e3"), "startTimeUnixNano: expected an integer, not '1e3'"),
        (request(startTimeUnixNano=True), "startTimeUnixNano: expected an integer"),
        (request(kind="CLIENT"), "kind: expected an integer"),
        (request({"intValue": "9223372036854775808"}), "JSON body"),
        (request({"intValue": "9" * 5000}), "JSON body"),
        (request({"intValue": 1.5}), "intValue: expected an integer, not 1.5"),
        (request({"boolValue": "true"}), "boolValue: expected true or false"),
        (request({"stringValue": 5}), "stringValue: expected text, not 5"),
        (request({"doubleValue": "much"}), "doubleValue: expected a number, not 'much'"),
        (request({"doubleValue": []}), "doubleValue: expected a number"),
        (request({"bytesValue": "!"}), "bytesValue: expected base64"),
    ],
)
def test_what_cannot_be_read_is_a_bad_body_that_names_the_place(body: bytes, place: str) -> None:
    with pytest.raises(BadBody, match="^.*" + place):
        parse("traces", body)


def test_protobuf_that_calls_itself_json_is_recognised(nothing_kept: Prompts) -> None:
    body = traces(span({"a": 1})).SerializeToString()
    checked = check("traces", body, "json", nothing_kept)
    assert (checked.payload, checked.accepted) == (body, 1)


def test_json_that_begins_with_a_line_feed_is_json(nothing_kept: Prompts) -> None:
    assert check("traces", b"\n" + request(), "json", nothing_kept).accepted == 1


plain = st.recursive(
    st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), plain, max_size=5))
def test_json_and_protobuf_say_the_same(attributes: dict[str, Plain]) -> None:
    message = traces(span(attributes))
    tree = json_format.MessageToDict(message)
    own = tree["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    own.update(traceId=TRACE.hex(), spanId=SPAN.hex())
    assert parse("traces", json.dumps(tree).encode()).request == message
