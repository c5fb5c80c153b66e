"""What one body may hold is counted before it is decoded, in time that does not depend on how it is made."""

import time

import pytest

from controlsurface.config import ContentConfig, ReceiverConfig
from controlsurface.errors import BadBody, OverLimit
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.limits import BodyLimits, scan_json, scan_protobuf
from controlsurface.ingest.validation.validate import validate_body
from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS
from tests.fuzz.hostile import MIB, attribute, export, in_json, json_span, sized, span, text, zoo
from tests.ingest.conftest import VOCABULARIES

SMALL = BodyLimits.of(ReceiverConfig(max_items=500, max_fields=8000, max_attributes=16, max_events=16, max_names=100))
PROMPTS = ContentPolicy(ContentConfig(), VOCABULARIES, (), SMALL)
MANY = export(*(span(attribute("a", text("b")), n) for n in range(499)))  # and a resource and a scope around them


@pytest.mark.parametrize("kind", zoo(1000))
def test_a_hostile_body_is_refused_or_checked_within_a_second(kind: str) -> None:
    signal, encoding, data = zoo(MIB)[kind]()
    began = time.process_time()
    try:
        checked = validate_body(signal, data, encoding, PROMPTS)
    except (OverLimit, BadBody):
        checked = None
    assert time.process_time() - began < 1
    assert checked is None or checked.accepted <= SMALL.max_items


@pytest.mark.parametrize("store", ["none", "redacted", "all"])
@pytest.mark.parametrize("kind", ["empty resources", "empty attributes of many", "values of many", "mixed"])
def test_body_limits_hold_under_every_content_policy(kind: str, store: str) -> None:
    prompts = ContentPolicy(ContentConfig.model_validate({"store": store}), VOCABULARIES, (), SMALL)
    signal, encoding, data = zoo(MIB)[kind]()
    with pytest.raises(OverLimit, match="raise receiver"):
        validate_body(signal, data, encoding, prompts)


def test_the_body_scan_counts_items_exactly() -> None:
    for most, is_over in ((501, False), (500, True), (100, True)):
        limits = BodyLimits.of(ReceiverConfig(max_items=most))
        if is_over:
            with pytest.raises(OverLimit, match=f"more than {most} spans.*receiver.max_items"):
                scan_protobuf("traces", MANY, limits)
        else:
            scan_protobuf("traces", MANY, limits)


def test_the_body_scan_finds_the_one_crowded_item_among_many() -> None:
    crowd = span(attribute("a", sized(5, b"\x0a\x00" * 60_000)), 9999)
    with pytest.raises(OverLimit, match="max_fields"):
        scan_protobuf(
            "traces", export(*(span(b"", n) for n in range(200)), crowd), BodyLimits.of(ReceiverConfig(max_fields=9000))
        )


def test_the_body_scan_reads_lengths_and_tags_as_the_decoder_does() -> None:
    """Numbers may be longer than they need be, and unknown fields and groups may stand before the known."""
    long = b"\x8a\x80\x00" + b"\x84\x80\x80\x00" + b"\x12\x02\x12\x00"
    body = b"\x7b\x08\x01\x7c" + b"\x78\x01" + b"\x7a\x01a" + long * 200
    assert len(EXPORT_REQUESTS["traces"].FromString(body).resource_spans) == 200  # type: ignore[union-attr]
    with pytest.raises(OverLimit):
        scan_protobuf("traces", body, BodyLimits.of(ReceiverConfig(max_items=399)))
    scan_protobuf("traces", body, BodyLimits.of(ReceiverConfig(max_items=600)))


def test_a_body_that_is_cut_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(BadBody, match="cut or damaged"):
        scan_protobuf("traces", b"\x0a\x80" * 4000 + b"\xff" * 20, SMALL)


def test_punctuation_inside_of_texts_is_no_value() -> None:
    wordy = in_json(json_span(',"attributes":[{"key":"a","value":{"stringValue":"' + '{,[\\"\\\\,' * 9000 + '"}}]'))
    scan_json(wordy, SMALL)
    with pytest.raises(OverLimit, match="max_fields"):
        scan_json(in_json("{}," * 9000 + "{}"), SMALL)


def test_attributes_events_and_links_over_the_number_that_a_span_may_have_are_dropped_and_counted() -> None:
    link = sized(13, b"\x0a\x10" + b"\x01" * 16 + b"\x12\x08" + b"\x02" * 8)
    body = export(span(attribute("a", text("b")) * 20 + b"\x5a\x00" * 30 + link * 17))
    checked = validate_body("traces", body, "protobuf", PROMPTS)
    (left,) = EXPORT_REQUESTS["traces"].FromString(checked.payload).resource_spans[0].scope_spans[0].spans  # type: ignore[union-attr]
    assert (len(left.attributes), len(left.events), len(left.links)) == (16, 16, 16)
    assert (left.dropped_attributes_count, left.dropped_events_count, left.dropped_links_count) == (4, 14, 1)
    assert checked.trimmed == 4 + 14 + 1
    assert validate_body("traces", checked.payload, "protobuf", PROMPTS).payload == checked.payload


def test_the_first_attributes_of_a_span_with_too_many_are_those_that_stay() -> None:
    body = export(span(b"".join(attribute(f"k{n}", text("b")) for n in range(40))))
    payload = validate_body("traces", body, "protobuf", PROMPTS).payload
    assert [f"k{n}".encode() in payload for n in range(40)] == [n < 16 for n in range(40)]


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_attributes_of_resources_and_scopes_are_bounded_too(signal: str) -> None:
    many = b"".join(sized(1, sized(1, b"k%d" % n) + sized(2, text("b"))) for n in range(30))
    scope = b"".join(sized(3, sized(1, b"k%d" % n) + sized(2, text("b"))) for n in range(30))
    item = {"traces": span(b""), "logs": b"", "metrics": sized(5, sized(1, b""))}[signal]
    body = sized(1, sized(1, many) + sized(2, sized(1, scope) + sized(2, item)))
    checked = validate_body(signal, body, "protobuf", PROMPTS)  # type: ignore[arg-type]
    assert (checked.accepted, checked.trimmed) == (1, 28)


def test_a_body_with_too_many_new_attribute_names_is_refused_and_with_known_ones_is_not() -> None:
    prompts = ContentPolicy(ContentConfig(), VOCABULARIES, (), SMALL)
    for first in (0, 60):
        body = export(*(span(attribute(f"new{n}", text("b")), n) for n in range(first, first + 60)))
        assert validate_body("traces", body, "protobuf", prompts).accepted == 60
    known = export(*(span(attribute(f"new{n}", text("b")), n) for n in range(120)))
    assert validate_body("traces", known, "protobuf", prompts).accepted == 120
    with pytest.raises(OverLimit, match="max_names"):
        validate_body(
            "traces", export(*(span(attribute(f"x{n}", text("b")), n) for n in range(200))), "protobuf", prompts
        )


def test_a_text_of_nothing_but_brackets_is_replaced_by_its_length() -> None:
    body = export(span(attribute("a", text("[" * 9000))))
    assert b"[dropped: 9000 characters]" in validate_body("traces", body, "protobuf", PROMPTS).payload


def test_an_error_names_no_more_of_a_list_than_its_beginning() -> None:
    body = in_json(json_span(',"kind":[' + "1," * 3000 + "1]"))
    assert len(validate_body("traces", body, "json", PROMPTS).message) < 200
