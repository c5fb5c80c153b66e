"""OTLP/JSON, in every dialect that real senders speak."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from controlsurface.errors import BadBody
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.otlp.json_messages import parse_otlp_json
from controlsurface.ingest.validation.validate import validate_body
from controlsurface.ingest.wire.mend_marks import MENDED_ATTRIBUTE
from tests.ingest.otlp_bodies import SPAN, TRACE, Plain, pairs, span, traces


def request(value: object = None, **fields: object) -> bytes:
    """One span with one attribute."""
    own = {"traceId": TRACE.hex(), "spanId": SPAN.hex(), "name": "chat", **fields}
    own["attributes"] = [] if value is None else [{"key": "k", "value": value}]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [own]}]}]}).encode()


def read(body: bytes) -> Any:
    message = parse_otlp_json("traces", body).request
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


def test_nan_is_a_json_string() -> None:
    assert math.isnan(read(request({"doubleValue": "NaN"})).attributes[0].value.double_value)


def test_ids_are_hex_in_either_case() -> None:
    found = read(request(traceId=TRACE.hex().upper(), spanId=SPAN.hex().upper(), parentSpanId=SPAN.hex()))
    assert (found.trace_id, found.span_id, found.parent_span_id) == (TRACE, SPAN, SPAN)


@pytest.mark.parametrize("wrong", ["W47/95gDgQPSabYzgT/GDA==", "5b8e fff798038103d269b633813fc60d", "xyz", 7, ["a"]])
def test_ids_in_another_form_are_rejected_and_never_decoded_otherwise(
    nothing_kept: ContentPolicy, wrong: object
) -> None:
    for place in ("traceId", "spanId", "parentSpanId"):
        checked = validate_body("traces", request(**{place: wrong}), "json", nothing_kept)
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
        (b"{}{}", "not JSON"),
        (b"\xff\xff{", "not JSON"),
        (b"[]", "expected an object"),
        (b'"x"', "expected an object"),
        (b'{"resourceSpans": {}}', "resourceSpans: expected a list"),
        (b'{"resourceSpans": [1]}', "resourceSpans: expected an object for ResourceSpans, not 1"),
        (b'{"resourceSpans": "\xff"}', "resourceSpans: expected a list"),
        (b'{"resourceSpans": "\\ud800"}', "resourceSpans: expected a list"),
    ],
)
def test_an_unreadable_json_message_is_a_bad_body_that_names_the_place(body: bytes, place: str) -> None:
    with pytest.raises(BadBody, match="^.*" + place):
        parse_otlp_json("traces", body)


@pytest.mark.parametrize(
    ("bad", "place"),
    [
        ({"startTimeUnixNano": -1}, "startTimeUnixNano: expected an integer of 64 bits, not -1"),
        ({"startTimeUnixNano": 2**64}, "startTimeUnixNano: expected an integer of 64 bits"),
        ({"startTimeUnixNano": True}, "startTimeUnixNano: expected an integer, not True"),
        ({"startTimeUnixNano": "2026-01-01T00:00:00Z"}, "startTimeUnixNano: expected an integer, not '2026"),
        ({"startTimeUnixNano": "9" * 5000}, "startTimeUnixNano: expected an integer"),
        ({"kind": 2**63}, "kind: expected an integer of 32 bits"),
        ({"kind": "SPAN_KIND_ROUTER"}, "kind: expected an integer, not 'SPAN_KIND_ROUTER'"),
        ({"flags": -1}, "flags: expected an integer of 32 bits"),
        ({"flags": 1.5}, "flags: expected an integer, not 1.5"),
        ({"name": 5}, "name: expected text, not 5"),
        ({"name": {"text": "x"}}, "name: expected text"),
        ({"status": "ok"}, "status: expected an object for Status, not 'ok'"),
        ({"events": [{"name": 1}]}, "events: name: expected text, not 1"),
        ({"attributes": {"gen_ai.system": "openai"}}, "attributes: expected a list"),
        ({"attributes": ["a"]}, "attributes: expected an object for KeyValue"),
        ({"attributes": [{"key": "k", "value": {"doubleValue": []}}]}, "attributes: value: doubleValue"),
        ({"attributes": [{"key": "k", "value": ["a"]}]}, "attributes: value: expected an object for AnyValue"),
    ],
)
def test_a_span_with_a_field_of_the_wrong_type_is_rejected_alone_and_its_place_named(
    nothing_kept: ContentPolicy, bad: dict[str, object], place: str
) -> None:
    own = [{"traceId": TRACE.hex(), "spanId": f"{n:016x}", "name": "chat"} for n in (1, 2, 3)]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [own[0], own[1] | bad, own[2]]}]}]}).encode()
    checked = validate_body("traces", body, "json", nothing_kept)
    assert (checked.accepted, checked.rejected, checked.mended) == (2, 1, 0)
    assert checked.message.startswith(f"rejected 1 spans: {place}")


def test_a_resource_that_cannot_be_read_costs_its_spans_and_no_others(nothing_kept: ContentPolicy) -> None:
    own = {"traceId": TRACE.hex(), "spanId": SPAN.hex()}
    bad = {"resource": {"attributes": "service"}, "scopeSpans": [{"spans": [own, own]}, {"spans": [own]}]}
    body = json.dumps({"resourceSpans": [bad, {"scopeSpans": [{"spans": [own]}]}]}).encode()
    checked = validate_body("traces", body, "json", nothing_kept)
    assert (checked.accepted, checked.rejected) == (1, 3)
    assert checked.message == "rejected 3 spans: resource: attributes: expected a list, not 'service'"


def test_an_item_is_rejected_once_however_much_around_it_is_wrong(nothing_kept: ContentPolicy) -> None:
    own = {"traceId": TRACE.hex(), "spanId": SPAN.hex()}
    scopes = [{"spans": [own, own | {"name": 1}]}, {"spans": [own], "schemaUrl": 5}]
    body = json.dumps({"resourceSpans": [{"scopeSpans": scopes, "schemaUrl": 5}, {"scopeSpans": scopes}]}).encode()
    checked = validate_body("traces", body, "json", nothing_kept)
    assert (checked.accepted, checked.rejected) == (1, 5)


def test_log_records_and_data_points_of_the_wrong_type_are_rejected_alone(nothing_kept: ContentPolicy) -> None:
    records = [{"body": {"stringValue": "a"}}, {"severityNumber": "LOUD"}]
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()
    checked = validate_body("logs", body, "json", nothing_kept)
    assert (checked.accepted, checked.rejected) == (1, 1)
    good, bad = {"asInt": "1"}, {"asDouble": "much"}
    some = [
        {"name": "a", "gauge": {"dataPoints": [good, bad, good]}},
        {"name": 7, "sum": {"dataPoints": [good, good]}},
        {"name": {}},
    ]
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": some}]}]}).encode()
    checked = validate_body("metrics", body, "json", nothing_kept)
    assert (checked.accepted, checked.rejected) == (2, 4)


def test_a_thousand_different_faults_are_reported_in_a_short_text(nothing_kept: ContentPolicy) -> None:
    own = [{"traceId": TRACE.hex(), "spanId": f"{n:016x}", "name": n} for n in range(1, 1001)]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": own}]}]}).encode()
    checked = validate_body("traces", body, "json", nothing_kept)
    assert (checked.accepted, checked.rejected) == (0, 1000)
    assert len(checked.message) < 1000
    assert "rejected 990 spans: other faults" in checked.message


@pytest.mark.parametrize(
    ("field", "value", "read_as"),
    [
        ("kind", "CLIENT", 3),
        ("kind", "client", 3),
        ("kind", "3", 3),
        ("startTimeUnixNano", 1.79e18, 1790000000000000000),
        ("startTimeUnixNano", "1.79e18", 1790000000000000000),
        ("startTimeUnixNano", {"low": 1029103616, "high": 416767886}, (416767886 << 32) + 1029103616),
        ("startTimeUnixNano", {"low": -1, "high": 1, "unsigned": True}, 2**33 - 1),
        ("flags", 257.0, 257),
    ],
)
def test_a_field_that_can_mean_only_one_thing_is_read_as_that(field: str, value: object, read_as: int) -> None:
    found = read(request(**{field: value}))
    assert (found.kind if field == "kind" else found.flags or found.start_time_unix_nano) == read_as


def test_an_empty_list_is_an_object_without_members_as_php_writes_it() -> None:
    found = read(request([], status=[]))
    assert found.HasField("status")
    assert found.attributes[0].value.WhichOneof("value") is None


def test_null_in_a_list_is_nothing_and_an_empty_value_among_values() -> None:
    body = request({}).replace(b'"attributes": [', b'"attributes": [null, ')
    assert [each.key for each in read(body).attributes] == ["k"]
    (attribute,) = read(request({"arrayValue": {"values": [None, {"intValue": 1}]}})).attributes
    assert [each.WhichOneof("value") for each in attribute.value.array_value.values] == [None, "int_value"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"intValue": "9223372036854775808"}, 2.0**63),
        ({"intValue": 1e30}, 1e30),
        ({"intValue": int("9" * 400)}, math.inf),
        ({"intValue": 1.5}, 1.5),
        ({"intValue": "1.5"}, 1.5),
        ({"intValue": "n/a"}, "n/a"),
        ({"boolValue": "true"}, True),
        ({"boolValue": "False"}, False),
        ({"stringValue": 5}, "5"),
        ({"stringValue": False}, "false"),
        ({"doubleValue": "much"}, "much"),
        ({"bytesValue": "!"}, "!"),
        ("plain", "plain"),
        (7, 7),
    ],
)
def test_a_value_that_is_not_of_the_kind_it_names_is_kept_as_the_kind_it_has_and_marked(
    all_kept: ContentPolicy, value: object, kept: Plain
) -> None:
    checked = validate_body("traces", request(value), "json", all_kept)
    assert (checked.accepted, checked.rejected, checked.mended) == (1, 0, 1)
    found = ExportTraceServiceRequest.FromString(checked.payload).resource_spans[0].scope_spans[0].spans[0]
    assert list(found.attributes) == pairs({"k": kept, MENDED_ATTRIBUTE: "attribute k"})


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"caf\xe9", "caf\ufffd"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\xe4\xbd", "\ufffd"),
        (b"\\ud83d", "\ufffd"),
        (b"\\udc80\\udc80x", "\ufffd\ufffdx"),
        (b"\\ud83d\xff\\ude00", "\ufffd\ufffd\ufffd"),
        (b"\xed\xa0\xbd", "\ufffd\ufffd\ufffd"),
    ],
)
def test_bad_characters_in_json_cost_themselves_in_values_and_in_keys(
    all_kept: ContentPolicy, sent: bytes, kept: str
) -> None:
    for spoil, name in ((b"value", "attribute k"), (b"chat", "name")):
        body = request({"stringValue": "value"}).replace(b'"%b"}' % spoil if spoil == b"value" else b'"%b"' % spoil,
                                                         b'"%b"%b' % (sent, b"}" * (spoil == b"value")))  # fmt: skip
        checked = validate_body("traces", body, "json", all_kept)
        found = ExportTraceServiceRequest.FromString(checked.payload).resource_spans[0].scope_spans[0].spans[0]
        texts = (found.name, found.attributes[0].value.string_value)
        assert texts == (("chat", kept) if spoil == b"value" else (kept, "value"))
        assert (checked.mended, found.attributes[-1].value.string_value) == (1, name)
    checked = validate_body("traces", request({}).replace(b'"k"', b'"%b"' % sent), "json", all_kept)
    found = ExportTraceServiceRequest.FromString(checked.payload).resource_spans[0].scope_spans[0].spans[0]
    assert list(found.attributes)[1:] == pairs({MENDED_ATTRIBUTE: "attribute key"})
    assert found.attributes[0].key == kept


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body + b"\0",
        lambda body: body + b"\r\n\0\0",
        lambda body: body.replace(b"chat", b"ch\x01\n\x7fat"),
        lambda body: body.decode().encode("utf-16"),
        lambda body: body.replace(b"0.25", b"NaN"),
        lambda body: body.replace(b"0.25", b"-Infinity"),
        lambda body: body.replace(b"0.25", b"1e999"),
        lambda body: body.replace(b"0.25", b"9" * 5000),
    ],
)
def test_json_with_one_meaning_is_read_however_it_is_written(
    nothing_kept: ContentPolicy, rewrite: Callable[[bytes], bytes]
) -> None:
    checked = validate_body("traces", rewrite(request({"doubleValue": 0.25})), "json", nothing_kept)
    assert (checked.accepted, checked.rejected, checked.mended) == (1, 0, 0)


def test_nul_and_controls_inside_text_are_kept_as_sent() -> None:
    assert read(request(name="a\0b\x1f")).name == "a\0b\x1f"


def test_a_pair_of_surrogates_is_one_character_and_mends_nothing(all_kept: ContentPolicy) -> None:
    body = request({"stringValue": "x"}).replace(b'"x"', b'"\\ud83e\\udd8a\x01"')  # the control asks for leniency
    checked = validate_body("traces", body, "json", all_kept)
    assert checked.mended == 0
    assert "🦊\x01".encode() in checked.payload


def test_protobuf_that_calls_itself_json_is_recognized(nothing_kept: ContentPolicy) -> None:
    body = traces(span({"a": 1})).SerializeToString()
    checked = validate_body("traces", body, "json", nothing_kept)
    assert (checked.payload, checked.accepted) == (body, 1)


def test_json_that_begins_with_a_line_feed_is_json(nothing_kept: ContentPolicy) -> None:
    assert validate_body("traces", b"\n" + request(), "json", nothing_kept).accepted == 1


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
    assert parse_otlp_json("traces", json.dumps(tree).encode()).request == message
