"""No text that is longer than its bound is kept, wherever in OTLP it stands; what columns read is kept as it is."""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from controlsurface.config import Config, ContentConfig
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.content.column_reads import json_path_steps
from controlsurface.ingest.content.key_policy import registry_names
from controlsurface.ingest.otlp.span_events import EVALUATION_EVENT
from controlsurface.ingest.otlp.trace_decoder import decode_traces
from controlsurface.ingest.translate.vocabulary import SPAN_KEYS, AttributeSource
from controlsurface.ingest.validation.validate import validate_body
from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, SIGNALS, Signal
from tests.ingest.conftest import VOCABULARIES
from tests.ingest.loading import CONVENTIONS, Loaded
from tests.ingest.otlp_bodies import Plain, logs, metrics, pairs, span, traces, value

MARK = "PLANTED"
IDS = {"trace_id": bytes(15) + b"\x01", "span_id": bytes(7) + b"\x01", "parent_span_id": bytes(7) + b"\x02"}
POLICY = ContentPolicy(ContentConfig(), VOCABULARIES)


def filled(message: Message, text: str, turn: int, depth: int = 0) -> None:
    """Put the text into every field that takes one; `turn` chooses among alternatives."""
    for field in message.DESCRIPTOR.fields:
        chosen = field.containing_oneof
        if chosen and chosen.fields[turn % len(chosen.fields)] is not field:
            continue
        if field.type == FieldDescriptor.TYPE_STRING:
            put(message, field, text)
        elif field.type == FieldDescriptor.TYPE_BYTES:
            put(message, field, IDS.get(field.name, text.encode()))
        elif field.type == FieldDescriptor.TYPE_MESSAGE and depth < 16:
            inside = getattr(message, field.name)
            filled(inside.add() if field.is_repeated else inside, text, turn, depth + 1)


def put(message: Message, field: Any, given: str | bytes) -> None:
    if field.is_repeated:
        getattr(message, field.name).append(given)
    else:
        setattr(message, field.name, given)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("turn", range(12))
@pytest.mark.parametrize("filler", ["two words ", "word", "%20", "{'a': 1} "])
def test_every_field_of_otlp_is_checked(nothing_kept: ContentPolicy, signal: Signal, turn: int, filler: str) -> None:
    request = EXPORT_REQUESTS[signal]()
    filled(request, filler * 200 + MARK, turn)
    body = request.SerializeToString()
    checked = validate_body(signal, body, "protobuf", nothing_kept)
    assert MARK.encode() in body
    assert (checked.accepted > 0, MARK.encode() in checked.payload) == (True, False)


def names() -> list[str]:
    """Every name that a registry, a column or a list of content has, and some of none."""
    listed = {glob.replace("*", "x") for each in VOCABULARIES for glob in (*each.known, *each.content)}
    return sorted(listed | registry_names() | CONVENTIONS.wanted | {"acme.odd", "content", ""})


LONG = st.builds(
    lambda word, n: word * (520 // len(word) + n) + MARK,
    st.sampled_from(["word", "two words, ", "%41", "語"]),
    st.integers(1, 50),
)
PLAIN = st.one_of(st.integers(-9, 9), st.booleans(), st.sampled_from(["a", "two words"]), LONG, LONG.map(str.encode))
MEMBERS = st.sampled_from(["a", "role", "model", "x y"]) | LONG
NESTED = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=3), max_leaves=6
)


def as_text(plain: Any) -> str:
    return json.dumps(plain, default=lambda raw: raw.decode(), ensure_ascii=False)


VALUES: st.SearchStrategy[Any] = (
    NESTED | NESTED.map(as_text) | NESTED.map(repr) | NESTED.map(lambda plain: {"inner": as_text(plain)})
)
KEYS = st.sampled_from(names()) | st.sampled_from(names()).map(str.upper) | st.text(max_size=12) | LONG
ATTRIBUTES: st.SearchStrategy[dict[str, Any]] = st.dictionaries(KEYS, VALUES, max_size=4)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[Signal, bytes]:
    """A request of any signal with planted texts in its attributes, at any depth."""
    signal = draw(st.sampled_from(SIGNALS))
    given = draw(ATTRIBUTES)
    if signal == "logs":
        record = LogRecord(attributes=pairs(given), body=value(draw(VALUES)))
        return signal, logs(record).SerializeToString()
    if signal == "metrics":
        export = metrics(1)
        measured = export.resource_metrics[0].scope_metrics[0].metrics[0]
        measured.gauge.data_points[0].attributes.extend(pairs(given))
        return signal, export.SerializeToString()
    own = span(given)
    own.events.add(name="gen_ai.choice", attributes=pairs(draw(ATTRIBUTES)))
    request = traces(own)
    request.resource_spans[0].resource.attributes.extend(pairs(draw(ATTRIBUTES)))
    return signal, request.SerializeToString()


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(bodies())
def test_a_long_text_is_kept_under_no_name_at_no_depth(body: tuple[Signal, bytes]) -> None:
    checked = validate_body(*body, "protobuf", POLICY)
    assert MARK.encode() not in checked.payload
    again = validate_body(body[0], checked.payload, "protobuf", POLICY)
    assert again.payload == checked.payload
    assert MARK.encode() not in body[1] or checked.dropped


def sources() -> Iterator[tuple[str, AttributeSource]]:
    """Every source of every column that names an attribute, by the column; of a pattern any name may come."""
    for vocabulary in VOCABULARIES:
        for column, found in vocabulary.columns.items():
            yield from (
                (column, each) for each in found if each.key and each.key not in SPAN_KEYS and "*" not in each.key
            )


def told(source: AttributeSource, word: str) -> Mapping[str, Plain]:
    """Attributes beside which a source is read, with a short word where it reads."""
    wanted = {key: each for key, each in source.when.items() if each is not False and key not in SPAN_KEYS}
    beside: dict[str, Plain] = {key: first(each).replace("*", "x") for key, each in wanted.items()}
    return beside | {source.key: at_path(source.path, word) if source.path else f"task:{word} router-{word}-0.5"}


def first(wanted: str | bool | tuple[str, ...]) -> str:
    """A word that a condition asks for."""
    return wanted if isinstance(wanted, str) else "true" if isinstance(wanted, bool) else wanted[0]


def at_path(path: str, word: str) -> str:
    tree: Any = word
    for step in reversed(json_path_steps(path)):
        tree = [tree] if step.isdigit() else {("any" if step == "*" else step): tree}
    return json.dumps(tree)


def columns(content: ContentConfig, *words: str) -> list[dict[str, Any]]:
    """The columns that vocabularies fill, of one span for each source and word."""
    store = Loaded(Config(content=content))
    spans = []
    for n, (word, (_, source)) in enumerate(product(words, sources()), 1):
        spans.append(placed(span({}, n.to_bytes(16, "big"), n.to_bytes(8, "big")), told(source, word)))
    store.load([("traces", traces(*spans).SerializeToString())])
    kept = ["around", "span", "content_hash"]
    return store.rows(f"(SELECT * EXCLUDE ({', '.join(kept)}) FROM spans)")


def placed(own: Span, attributes: Mapping[str, Plain]) -> Span:
    """A span with attributes where vocabularies look for them."""
    for key, plain in attributes.items():
        if key.startswith("event."):
            name, _, inside = key.removeprefix("event.").rpartition("/")
            own.events.add(name=name, attributes=pairs({inside: plain}))
        elif not key.startswith(("resource.", "scope.")):
            own.attributes.extend(pairs({key: plain}))
    return own


def test_short_values_that_columns_read_are_the_same_with_content_dropped() -> None:
    words = ("small", "0.5", "12", "he asked twice", "true", "größer, 語")
    dropped, kept = (columns(ContentConfig(store=store), *words) for store in ("none", "all"))
    assert len(kept) > 150 * len(words)
    assert dropped == kept


def test_dropped_content_fills_no_column() -> None:
    prompts = ContentPolicy(ContentConfig(drop=("acme.*",)), VOCABULARIES)
    body = traces(span({"acme.note": "a secret", "acme.level": "gold"})).SerializeToString()
    payload = validate_body("traces", body, "protobuf", prompts).payload
    read = [
        decode_traces([(each, 1)], frozenset({"acme.note"})).table["@acme.note"].to_pylist() for each in (body, payload)
    ]
    assert b"[dropped: 8 characters]" in payload
    assert read == [["a secret"], [None]]


def test_the_label_of_an_evaluation_stays_and_its_explanation_does_not() -> None:
    told: dict[str, Plain] = {
        "gen_ai.evaluation.name": "Tone of voice",
        "gen_ai.evaluation.score.label": "could be better",
    }
    own = span()
    own.events.add(
        name=EVALUATION_EVENT, attributes=pairs({**told, "gen_ai.evaluation.explanation": "he was rude to me"})
    )
    record = LogRecord(event_name=EVALUATION_EVENT, attributes=own.events[0].attributes)
    store = Loaded()
    store.load([("traces", traces(own).SerializeToString()), ("logs", logs(record).SerializeToString())])
    found = [(row["name"], row["label"], row["explanation"]) for row in store.rows("evaluations")]
    assert found == [("Tone of voice", "could be better", None)] * 2


def test_names_of_otlp_items_are_kept_up_to_their_bound(nothing_kept: ContentPolicy) -> None:
    for name, left in (
        ("Chat Completion with gpt-4o", "Chat Completion with gpt-4o"),
        ("n" * 129, "[dropped: 129 characters]"),
    ):
        measured = Metric(name=name)
        request = ExportMetricsServiceRequest()
        request.resource_metrics.add().scope_metrics.add().metrics.append(measured)
        payload = validate_body("metrics", request.SerializeToString(), "protobuf", nothing_kept).payload
        found = ExportMetricsServiceRequest.FromString(payload)
        assert found.resource_metrics[0].scope_metrics[0].metrics[0].name == left


def test_trace_state_members_that_are_identifiers_stay(nothing_kept: ContentPolicy) -> None:
    own = span()
    own.trace_state = "ot=th:fd70a4;rv:fe123456789abc,vendor=two words,acme=1"
    payload = validate_body("traces", traces(own).SerializeToString(), "protobuf", nothing_kept).payload
    left: Any = EXPORT_REQUESTS["traces"].FromString(payload)
    assert left.resource_spans[0].scope_spans[0].spans[0].trace_state == "ot=th:fd70a4;rv:fe123456789abc,acme=1"


def field(number: int, body: bytes) -> bytes:
    """A field of a message, by hand: what no library would write, a sender can."""
    return varint(number << 3 | 2) + varint(len(body)) + body


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128, number >> 7])


KEPT_KEY, CONTENT_KEY = field(1, b"gen_ai.request.model"), field(1, b"gen_ai.prompt")
SAID = field(1, MARK.encode() + b" by somebody who trusts us")
IDENTITY = field(1, IDS["trace_id"]) + field(2, IDS["span_id"])
SAID_AS_A_NUMBER = field(9, field(1, b"acme.count") + field(2, b"\x18\x05" + SAID))
WHERE_NOBODY_LOOKS = {
    "behind a second key": IDENTITY + field(9, KEPT_KEY + CONTENT_KEY + field(2, SAID)),
    "before a second key": IDENTITY + field(9, KEPT_KEY + field(2, SAID) + CONTENT_KEY),
    "after a number": IDENTITY + SAID_AS_A_NUMBER,
    "in an unknown field of an attribute": IDENTITY + field(9, KEPT_KEY + field(2, field(1, b"m")) + field(15, SAID)),
    "in an unknown field of a span": IDENTITY + field(127, SAID),
}


@pytest.mark.parametrize("where", WHERE_NOBODY_LOOKS)
def test_fields_that_no_decoder_reads_are_not_kept(where: str) -> None:
    body = field(1, field(2, field(2, WHERE_NOBODY_LOOKS[where])))
    for _ in range(2):  # once the key is known as well
        assert MARK.encode() not in validate_body("traces", body, "protobuf", POLICY).payload
