"""What becomes of prompts and answers under each policy, with the shipped vocabularies."""

import json
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from controlsurface.config import Content
from controlsurface.ingest.check import check
from controlsurface.ingest.prompts import Prompts
from controlsurface.ingest.prompts.paths import Parts, steps
from tests.receivers.bodies import Plain, logs, pairs, span, traces, value
from tests.receivers.conftest import policy

DECISION = {
    "model": "router-1",
    "answers": {"lane": {"choice": "small", "confidence": 0.93, "rationale": "he asked for a refund"}},
    "input": "I want my money back",
}


def cleaned(prompts: Prompts, attributes: dict[str, Plain]) -> dict[str, AnyValue]:
    checked = check("traces", traces(span(attributes)).SerializeToString(), "protobuf", prompts)
    own = ExportTraceServiceRequest.FromString(checked.payload).resource_spans[0].scope_spans[0].spans[0]
    return {each.key: each.value for each in own.attributes}


@pytest.mark.parametrize(
    "key",
    [
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.prompt.0.content",
        "input.value",
        "output.value",
        "llm.input_messages.0.message.content",
        "llm.openai.messages",
        "langfuse.observation.input",
        "mlflow.spanInputs",
        "traceloop.entity.input",
        "pydantic_ai.all_messages",
        "ai.prompt.messages",
        "cache.key",
    ],
)
def test_by_default_every_known_content_attribute_is_dropped(nothing_kept: Prompts, key: str) -> None:
    assert list(cleaned(nothing_kept, {"before": 1, key: "a prompt", "after": 2})) == ["before", "after"]


def test_parameters_and_counts_are_not_content(nothing_kept: Prompts) -> None:
    facts: dict[str, Plain] = {"llm.invocation_parameters": '{"model": "slm"}', "llm.token_count.prompt": 13}
    assert list(cleaned(nothing_kept, facts)) == list(facts)


def test_the_facts_inside_a_decisions_answer_stay(nothing_kept: Prompts) -> None:
    given: dict[str, Plain] = {"output.value": json.dumps(DECISION), "openinference.span.kind": "DECISION"}
    left = json.loads(cleaned(nothing_kept, given)["output.value"].string_value)
    assert left == {"model": "router-1", "answers": {"lane": {"choice": "small", "confidence": 0.93}}}


@pytest.mark.parametrize(
    ("kind", "text"),
    [("LLM", json.dumps(DECISION)), ("DECISION", "free text"), ("DECISION", '{"answers": []}'), ("DECISION", "{")],
)
def test_where_there_are_no_such_facts_nothing_stays(nothing_kept: Prompts, kind: str, text: str) -> None:
    left = cleaned(nothing_kept, {"openinference.span.kind": kind, "output.value": text})
    assert list(left) == ["openinference.span.kind"]


def test_a_kept_path_never_keeps_what_lies_below_it() -> None:
    assert reduced('{"a": {"choice": {"text": "long story"}}, "b": 1}', [steps("$.a.choice")]) == ""


def test_lists_keep_their_places() -> None:
    text = '{"items": [{"text": "x"}, {"score": 0.5, "text": "y"}]}'
    assert reduced(text, [steps("$.items[*].score")]) == '{"items":[null,{"score":0.5}]}'
    assert reduced(text, [steps("$.items[0].score")]) == ""


def test_an_endless_nest_is_cut_at_the_length_of_the_paths() -> None:
    assert reduced('{"a":' * 900 + "1" + "}" * 900, [steps("$.a.b")]) == ""


def test_all_keeps_all(all_kept: Prompts) -> None:
    assert cleaned(all_kept, {"input.value": "my secret"})["input.value"].string_value == "my secret"


def test_redacted_keeps_the_words_and_hides_the_person() -> None:
    left = cleaned(policy(Content(store="redacted")), {"input.value": "I am ann@example.org", "tag": "bob@example.org"})
    assert left["input.value"].string_value == "I am [email]"
    assert left["tag"].string_value == "bob@example.org"  # not content: no vocabulary says so


def test_only_the_chosen_kinds_are_redacted() -> None:
    left = cleaned(policy(Content(store="redacted", redact=("card",))), {"input.value": "a@b.org 4111111111111111"})
    assert left["input.value"].string_value == "a@b.org [card]"


def test_redaction_reaches_into_lists_maps_and_bytes() -> None:
    given: Plain = [{"role": "user", "content": "a@b.org"}, b"a@b.org", 7]
    left = cleaned(policy(Content(store="redacted")), {"gen_ai.input.messages": given})
    assert left["gen_ai.input.messages"] == value([{"role": "user", "content": "[email]"}, "[bytes]", 7])


@pytest.mark.parametrize(("store", "expected"), [("none", None), ("redacted", "by [email]"), ("all", "by a@b.org")])
def test_the_body_of_a_log_record_is_content(store: str, expected: str | None) -> None:
    record = LogRecord(event_name="e", body=value("by a@b.org"), attributes=pairs({"gen_ai.response.id": "1"}))
    prompts = policy(Content.model_validate({"store": store}))
    payload = check("logs", logs(record).SerializeToString(), "protobuf", prompts).payload
    assert (expected.encode() in payload) if expected else (b"by a" not in payload)
    assert b"gen_ai.response.id" in payload


def test_no_captured_prompt_survives_the_default_policy(captures: Path, nothing_kept: Prompts) -> None:
    found = 0
    for path in captures.glob("*-cascade*.traces.pb"):
        body = path.read_bytes()
        texts = [each.value.string_value for each in attributes(body) if nothing_kept._holds[each.key]]
        payload = check("traces", body, "protobuf", nothing_kept).payload
        assert not any(text.encode() in payload for text in texts if len(text) > 20), path.name
        found += len(texts)
    assert found > 20


def attributes(body: bytes) -> list[KeyValue]:
    spans = [
        own for r in ExportTraceServiceRequest.FromString(body).resource_spans for s in r.scope_spans for own in s.spans
    ]
    return [each for own in spans for each in own.attributes]


def test_senders_cannot_fill_the_memory_with_names(nothing_kept: Prompts) -> None:
    for n in range(100_010):
        assert not nothing_kept._holds[f"k{n}"]
    assert not nothing_kept._holds["k" * 300]
    assert len(nothing_kept._holds) <= 100_000
