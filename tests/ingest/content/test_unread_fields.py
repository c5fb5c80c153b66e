"""What a decoder does not read of a body is not kept either: unknown fields, and fields that a later one replaces.

The kinds are those of public reports and of the rules behind them (protobuf.dev, "Encoding", "last one wins"):
protocolbuffers/protobuf 3395 (unknown fields are written again), 8474 and 28542, IssuuArchive/ocaml-protoc-plugin 57
(a message that comes twice is merged), tokio-rs/prost 195 (a text that comes twice), protobufjs/protobuf.js 2193 and
mafintosh/protocol-buffers 31 (of a oneof the last member stays), golang/protobuf 1460 and bufbuild/protobuf-es 1132
(the same in JSON), open-telemetry/opentelemetry-proto 425 (bytes that came are passed on untouched),
open-telemetry/opentelemetry-collector 5188 and 8710 (fields of an older protocol).
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from controlsurface.config import ContentConfig
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.validation.validate import validate_body
from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, SIGNALS, Signal
from tests.ingest.conftest import VOCABULARIES
from tests.ingest.content.test_content_everywhere import IDS, MARK, field, filled

TEXT = MARK.encode() + b" by somebody who trusts us"
UNKNOWN = field(127, TEXT)
PLAIN_KEY = "gen_ai.request.model"


def whole(signal: Signal, turn: int) -> Message:
    """A request in which every message that OTLP has stands once, each with short texts."""
    request = EXPORT_REQUESTS[signal]()
    filled(request, PLAIN_KEY, turn)
    return request


def bodies(message: Message, copies: bool) -> Iterator[bytes]:
    """The message with a text planted in one place, for every place: it, and each message in it, at any depth."""
    parts = [*message.ListFields()]
    encoded = [alone(message, part) for part, _ in parts]
    for n, (part, value) in enumerate(parts):
        before, after = b"".join(encoded[:n]), b"".join(encoded[n + 1 :])
        if part.type == FieldDescriptor.TYPE_MESSAGE:
            inside = value[0] if part.is_repeated else value
            yield from (before + field(part.number, each) + after for each in bodies(inside, copies))
        elif copies and not part.is_repeated and part.type in {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}:
            yield before + field(part.number, TEXT) + encoded[n] + after
    if not copies:
        yield b"".join(encoded) + UNKNOWN
        yield UNKNOWN + b"".join(encoded)


def alone(message: Message, part: Any) -> bytes:
    """A message with this field alone, as bytes."""
    other = type(message)()
    other.CopyFrom(message)
    for each, _ in message.ListFields():
        if each is not part:
            other.ClearField(each.name)
    return other.SerializeToString()


@pytest.mark.parametrize("copies", [False, True], ids=["unknown", "replaced"])
@pytest.mark.parametrize("signal", SIGNALS)
def test_content_policy_keeps_no_text_of_a_field_that_is_not_read(signal: Signal, copies: bool) -> None:
    prompts = ContentPolicy(ContentConfig(), VOCABULARIES)
    planted = [body for turn in range(12) for body in bodies(whole(signal, turn), copies)]
    assert len(planted) > 30
    for body in planted * 2:  # the second time its keys, and what was remembered of it, are known
        assert MARK.encode() not in validate_body(signal, body, "protobuf", prompts).payload


@pytest.mark.parametrize("kind", ["unknown", "first", "behind a number", "a second value"])
def test_content_policy_reads_what_stands_within_the_value_of_a_known_key(kind: str) -> None:
    prompts = ContentPolicy(ContentConfig(), VOCABULARIES)
    key, model = field(1, PLAIN_KEY.encode()), field(1, b"m")
    values = {
        "unknown": field(2, model + field(15, TEXT)),
        "first": field(2, field(1, TEXT) + model),
        "behind a number": field(2, field(1, TEXT) + b"\x18\x05"),
        "a second value": field(2, field(1, TEXT)) + field(2, model),
    }
    span = field(1, IDS["trace_id"]) + field(2, IDS["span_id"])
    plain = [span + field(9, key + field(2, model)), span + field(9, key + field(2, b"\x18\x05"))]
    for each in (*plain, span + field(9, key + values[kind]), span + field(9, key + values[kind])):
        payload = validate_body("traces", field(1, field(2, field(2, each))), "protobuf", prompts).payload
        assert MARK.encode() not in payload


def test_a_body_of_known_fields_in_any_order_is_kept_as_it_came() -> None:
    prompts = ContentPolicy(ContentConfig(), VOCABULARIES)
    attribute = field(9, field(2, field(1, b"m")) + field(1, PLAIN_KEY.encode()))
    body = field(1, field(2, field(2, attribute + field(2, IDS["span_id"]) + field(1, IDS["trace_id"]))))
    assert validate_body("traces", body, "protobuf", prompts).payload == body


JSON_VALUES = {
    "an unknown member": '{"stringValue": "m", "acmeText": "%s"}',
    "a name twice": '{"stringValue": "%s", "stringValue": "m"}',
    "two members of a oneof": '{"stringValue": "%s", "intValue": "5"}',
}


ATTRIBUTES: Any = [{"key": "acme.level", "value": "HERE"}]
SPAN = {"traceId": IDS["trace_id"].hex(), "spanId": IDS["span_id"].hex()}
JSON_BODIES: dict[str, tuple[Signal, Any]] = {
    "span": ("traces", {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN | {"attributes": ATTRIBUTES}]}]}]}),
    "resource": (
        "traces",
        {"resourceSpans": [{"resource": {"attributes": ATTRIBUTES}, "scopeSpans": [{"spans": [SPAN]}]}]},
    ),
    "log": ("logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": ATTRIBUTES}]}]}]}),
}


@pytest.mark.parametrize("kind", JSON_VALUES)
@pytest.mark.parametrize("place", JSON_BODIES)
def test_content_policy_keeps_no_text_of_a_json_member_that_is_not_read(kind: str, place: str) -> None:
    prompts = ContentPolicy(ContentConfig(), VOCABULARIES)
    signal, body = JSON_BODIES[place]
    sent = json.dumps(body).replace('"HERE"', JSON_VALUES[kind] % TEXT.decode())
    checked = validate_body(signal, sent.encode(), "json", prompts)
    assert (checked.accepted, MARK.encode() in checked.payload) == (1, False)
