"""What becomes of prompts and answers under each policy, with the shipped vocabularies."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from controlsurface.config import ContentConfig, parse_config
from controlsurface.errors import ConfigError
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.content.column_reads import ColumnReads
from controlsurface.ingest.content.key_policy import MAX_REMEMBERED_KEYS, KeyVerdict
from controlsurface.ingest.validation.validate import validate_body
from tests.ingest.conftest import VOCABULARIES, policy
from tests.ingest.otlp_bodies import Plain, logs, pairs, span, traces, value

DECISION = {
    "model": "router-1",
    "answers": {"lane": {"choice": "small", "confidence": 0.93, "rationale": "he asked for a refund"}},
    "input": "I want my money back",
}


def cleaned(prompts: ContentPolicy, attributes: dict[str, Plain]) -> dict[str, AnyValue]:
    checked = validate_body("traces", traces(span(attributes)).SerializeToString(), "protobuf", prompts)
    own = ExportTraceServiceRequest.FromString(checked.payload).resource_spans[0].scope_spans[0].spans[0]
    return {each.key: each.value for each in own.attributes}


def text(prompts: ContentPolicy, key: str, given: Plain) -> str:
    return cleaned(prompts, {key: given})[key].string_value


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
def test_every_known_content_attribute_is_dropped_by_default(nothing_kept: ContentPolicy, key: str) -> None:
    left = cleaned(nothing_kept, {"before": 1, key: "prompt", "after": 2})
    assert (left["before"], left[key], left["after"]) == (value(1), value("[dropped: 6 characters]"), value(2))


@pytest.mark.parametrize("key", ["Gen_AI.Prompt", "INPUT.VALUE", "gen_ai.Input.Messages", "Cache.Key"])
@pytest.mark.parametrize("given", ["prompt", 7, True, [1, 2], {"a": "b"}, b"bytes"])
def test_content_is_content_whatever_its_value_and_however_its_key_is_written(
    nothing_kept: ContentPolicy, key: str, given: Plain
) -> None:
    assert text(nothing_kept, key, given).startswith("[dropped: ")


@pytest.mark.parametrize("given", [1, 0.5, True, "gpt-4o-mini", "run_7f3a", "2026-11-30T09:00:00Z", "a/b:c@1.0", ""])
def test_numbers_flags_and_identifiers_stay_under_any_key(nothing_kept: ContentPolicy, given: Plain) -> None:
    assert cleaned(nothing_kept, {"acme.odd": given}) == {"acme.odd": value(given)}


@pytest.mark.parametrize(
    "given", ["two words", "x" * 65, "why%20not", "q=a&b=c", "\u8bf7\u95ee\u6211\u7684\u5361", "caf\u00e9", "is-it?"]
)
def test_text_that_a_person_could_say_is_dropped_under_any_key(nothing_kept: ContentPolicy, given: str) -> None:
    assert text(nothing_kept, "acme.odd", given) == f"[dropped: {len(given)} characters]"


def test_an_attribute_whose_name_says_text_keeps_not_even_a_word(nothing_kept: ContentPolicy) -> None:
    assert text(nothing_kept, "acme.user_question", "Paris") == "[dropped: 5 characters]"
    assert cleaned(nothing_kept, {"acme.answer": 42})["acme.answer"] == value(42)


def test_an_attribute_that_a_column_reads_stays_and_is_cut_where_it_is_long(nothing_kept: ContentPolicy) -> None:
    assert text(nothing_kept, "controlsurface.router.reason", "he asked twice, so large") == "he asked twice, so large"
    cut = text(nothing_kept, "controlsurface.task_type", "p" * 20_000)
    assert cut == "p" * 512 + "[dropped: 19488 characters]"
    assert text(nothing_kept, "controlsurface.task_type", cut) == cut


def test_published_names_of_identities_stay_and_of_texts_do_not(nothing_kept: ContentPolicy) -> None:
    given: dict[str, Plain] = {
        "user_agent.name": "My Agent",
        "exception.message": "no funds",
        "db.query.text": "SELECT 1",
    }
    left = cleaned(nothing_kept, given)
    assert [each.string_value[:9] for each in left.values()] == ["My Agent", "[dropped:", "[dropped:"]


def test_json_keeps_what_columns_read_numbers_and_words_of_enumerations(nothing_kept: ContentPolicy) -> None:
    given = {
        "model": "slm",
        "max_tokens": 9,
        "system": "be kind",
        "tools": [{"type": "function", "name": "PROMPTMARK"}],
    }
    left = json.loads(text(nothing_kept, "llm.invocation_parameters", json.dumps(given)))
    dropped = "[dropped: {} characters]"
    tools = [{"type": "function", "name": dropped.format(10)}]
    assert left == {"model": "slm", "max_tokens": 9, "system": dropped.format(7), "tools": tools}


def test_a_python_literal_is_treated_as_json_is(nothing_kept: ContentPolicy) -> None:
    given = "[{'role': 'user', 'n': 2, 'parts': [{'text': 'it\\'s lost'}], 'ok': True}]"
    left = "[{'role': 'user', 'n': 2, 'parts': [{'text': '[dropped: 10 characters]'}], 'ok': True}]"
    assert text(nothing_kept, "llm.gemini.tuning", given) == left
    assert text(nothing_kept, "llm.gemini.tuning", "{'a': f('x y')}") == "[dropped: 15 characters]"


def test_a_pattern_keeps_what_it_reads_and_nothing_beside_it(nothing_kept: ContentPolicy) -> None:
    left = cleaned(nothing_kept, {"langfuse.trace.tags": ["task:triage", "my card is lost", "tenant:acme"]})
    assert left["langfuse.trace.tags"] == value(["task:triage", "[dropped: 15 characters]", "tenant:acme"])
    assert text(nothing_kept, "tag.tags", "my card, task:triage") == '["[dropped: 20 characters]", "task:triage"]'


def test_lists_and_maps_are_treated_at_every_depth(nothing_kept: ContentPolicy) -> None:
    left = cleaned(
        nothing_kept, {"acme.odd": [{"role": "user", "said": ["lost", 3], "x y" * 50: 1}], "acme.ids": ["a", "b c"]}
    )
    inside: Plain = [{"role": "user", "said": ["[dropped: 4 characters]", 3], "[dropped: 150 characters]": 1}]
    assert left == {"acme.odd": value(inside), "acme.ids": value(["a", "[dropped: 3 characters]"])}


def test_sentences_as_names_of_members_are_dropped(nothing_kept: ContentPolicy) -> None:
    given = {"is my card lost?": 1, "n": 2}
    left = {"[dropped: 16 characters]": 1, "n": 2}
    assert json.loads(text(nothing_kept, "acme.odd", json.dumps(given))) == left
    assert text(nothing_kept, "acme.odd", repr(given)) == repr(left)
    assert cleaned(nothing_kept, {"acme.map": {**given}})["acme.map"] == value({**left})


def test_a_very_deep_text_is_not_kept(nothing_kept: ContentPolicy) -> None:
    assert "deep" not in text(nothing_kept, "acme.odd", '{"a":' * 900 + '"deep"' + "}" * 900)
    assert "deep" not in text(nothing_kept, "acme.odd", "[" * 5000 + '"deep"' + "]" * 5000)


def test_a_json_member_given_twice_leaves_no_text(nothing_kept: ContentPolicy) -> None:
    assert "lost" not in text(nothing_kept, "acme.odd", '{"x": "my card is lost", "x": 1}')


def test_keep_and_drop_patterns_select_attributes_and_drop_wins() -> None:
    chosen = policy(ContentConfig(keep=("acme.*", "gen_ai.prompt"), drop=("acme.secret*", "gen_ai.request.*")))
    left = cleaned(
        chosen,
        {
            "acme.note": "two words",
            "Acme.Secret": "s",
            "acme.secret": "s",
            "gen_ai.prompt": "Why?",
            "gen_ai.request.model": "m",
        },
    )
    said = {key: each.string_value for key, each in left.items()}
    assert said == {
        "acme.note": "two words",
        "Acme.Secret": "[dropped: 1 characters]",
        "acme.secret": "[dropped: 1 characters]",
        "gen_ai.prompt": "Why?",
        "gen_ai.request.model": "[dropped: 1 characters]",
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"keep": ["a b"]}, "without white space"),
        ({"drop": [""]}, "without white space"),
        ({"drop": ["acme.[x"]}, r"write '\[\[\]'"),
        ({"keep": ["*"]}, "say store = 'all'"),
        ({"keep": ["a.*"], "drop": ["a.*"]}, "drop wins over keep"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_named(given: dict[str, list[str]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_config({"content": given}, "c.toml")


def test_the_users_own_task_type_stays_whatever_it_is_called() -> None:
    chosen = ContentPolicy(ContentConfig(), VOCABULARIES, ["acme.question"])
    assert text(chosen, "acme.question", "a hard one") == "a hard one"


def test_dropped_attributes_are_counted_by_key_and_the_names_are_bounded(nothing_kept: ContentPolicy) -> None:
    one, other = ({f"acme.k{n}": "two words" for n in range(first, first + 750)} for first in (0, 750))
    inputs = span({"input.value": "a"}), span({"input.value": "b"})
    body = traces(span(one), span({**other, "x" * 300: "two words"}), *inputs)
    dropped = validate_body("traces", body.SerializeToString(), "protobuf", nothing_kept).dropped
    assert (len(dropped), dropped["acme.k1"], dropped["(other)"]) == (1001, 1, 504)
    assert sum(dropped.values()) == 1504
    assert max(map(len, dropped)) <= 128


def test_parameters_and_counts_are_not_content(nothing_kept: ContentPolicy) -> None:
    facts: dict[str, Plain] = {"llm.invocation_parameters": '{"model": "slm"}', "llm.token_count.prompt": 13}
    assert list(cleaned(nothing_kept, facts)) == list(facts)


def test_the_facts_inside_a_decisions_answer_stay(nothing_kept: ContentPolicy) -> None:
    given: dict[str, Plain] = {"output.value": json.dumps(DECISION), "openinference.span.kind": "DECISION"}
    left = json.loads(cleaned(nothing_kept, given)["output.value"].string_value)
    assert left == {"answers": {"lane": {"choice": "small", "confidence": 0.93}}}


@pytest.mark.parametrize(
    ("kind", "given"),
    [("LLM", json.dumps(DECISION)), ("DECISION", "free text"), ("DECISION", '{"answers": []}'), ("DECISION", "{")],
)
def test_a_decisions_answer_without_facts_is_dropped_whole(nothing_kept: ContentPolicy, kind: str, given: str) -> None:
    left = cleaned(nothing_kept, {"openinference.span.kind": kind, "output.value": given})
    assert left["output.value"].string_value == f"[dropped: {len(given)} characters]"


def test_a_path_never_keeps_what_lies_below_it(nothing_kept: ContentPolicy) -> None:
    given = '{"task_type": {"why": "long story"}, "tenant": "acme"}'
    assert json.loads(text(nothing_kept, "metadata", given)) == {"tenant": "acme"}


def test_the_store_setting_all_keeps_all_content(all_kept: ContentPolicy) -> None:
    assert cleaned(all_kept, {"input.value": "my secret"})["input.value"].string_value == "my secret"


def test_the_store_setting_redacted_keeps_the_words_and_hides_the_person() -> None:
    left = cleaned(
        policy(ContentConfig(store="redacted")), {"input.value": "I am ann@example.org", "tag": "bob@example.org"}
    )
    assert left["input.value"].string_value == "I am [email]"
    assert left["tag"].string_value == "bob@example.org"  # not content: no vocabulary says so


def test_the_redact_setting_redacts_only_the_chosen_kinds() -> None:
    left = cleaned(
        policy(ContentConfig(store="redacted", redact=("card",))), {"input.value": "a@b.org 4111111111111111"}
    )
    assert left["input.value"].string_value == "a@b.org [card]"


def test_redaction_reaches_into_lists_maps_and_bytes() -> None:
    given: Plain = [{"role": "user", "content": "a@b.org"}, b"a@b.org", 7]
    left = cleaned(policy(ContentConfig(store="redacted")), {"gen_ai.input.messages": given})
    assert left["gen_ai.input.messages"] == value([{"role": "user", "content": "[email]"}, "[bytes]", 7])


@pytest.mark.parametrize(("store", "expected"), [("none", None), ("redacted", "by [email]"), ("all", "by a@b.org")])
def test_the_body_of_a_log_record_is_content(store: str, expected: str | None) -> None:
    record = LogRecord(event_name="e", body=value("by a@b.org"), attributes=pairs({"gen_ai.response.id": "1"}))
    prompts = policy(ContentConfig.model_validate({"store": store}))
    payload = validate_body("logs", logs(record).SerializeToString(), "protobuf", prompts).payload
    assert (expected or "[dropped: 10 characters]").encode() in payload
    assert expected or b"by a" not in payload
    assert b"gen_ai.response.id" in payload


def test_the_default_policy_drops_every_captured_prompt(captures: Path, nothing_kept: ContentPolicy) -> None:
    found = 0
    for path in captures.glob("*-cascade*.traces.pb"):
        body = path.read_bytes()
        texts = [
            each.value.string_value for each in attributes(body) if nothing_kept.keys[each.key] is KeyVerdict.CONTENT
        ]
        payload = validate_body("traces", body, "protobuf", nothing_kept).payload
        assert not any(text.encode() in payload for text in texts if len(text) > 20), path.name
        found += len(texts)
    assert found > 20


def attributes(body: bytes) -> list[KeyValue]:
    spans = [
        own for r in ExportTraceServiceRequest.FromString(body).resource_spans for s in r.scope_spans for own in s.spans
    ]
    return [each for own in spans for each in own.attributes]


def test_senders_cannot_fill_the_attribute_memory_with_names(nothing_kept: ContentPolicy) -> None:
    for n in range(MAX_REMEMBERED_KEYS + 10):
        nothing_kept.begin()
        assert nothing_kept.keys[f"k{n}"] is KeyVerdict.OTHER
    assert nothing_kept.keys["k" * 300] is KeyVerdict.OTHER
    assert len(nothing_kept.keys) <= MAX_REMEMBERED_KEYS


def test_json_with_a_bad_character_is_cleaned_as_it_would_be_the_second_time() -> None:
    given = '{"numbers":[0.3535533905933320,77.35355339059327373],"usage":{"prompt\x00s of a talk":5}}'
    prompts = policy(ContentConfig(store="none"))
    once = text(prompts, "a.result", given)
    assert "talk" not in once
    assert text(prompts, "a.result", once) == once


NOTHING_KEPT = policy(ContentConfig(store="none"))
USAGE = (  # as LiteLLM v1 writes it, but cut short, so that it is no literal
    "{'prompt_tokens': 30, 'note': 'he asked for a refund', "
    "'prompt_tokens_details': {'audio_tokens': %d, 'cached_tokens': 4, 'image_tokens': None}, "
    "'completion_tokens_details': {'reasoning_tokens': 2, 'audio_tokens': %d}, 'then'"
)


@given(audio=st.tuples(st.integers(0, 99), st.integers(0, 99)), start=st.integers(0, 300), end=st.integers(0, 300))
def test_a_text_that_patterns_read_is_the_same_when_it_is_cleaned_twice(
    audio: tuple[int, int], start: int, end: int
) -> None:
    once = text(NOTHING_KEPT, "metadata.usage_object", (USAGE % audio)[start:end] + '"')
    assert text(NOTHING_KEPT, "metadata.usage_object", once) == once


@given(audio=st.tuples(st.integers(0, 99), st.integers(0, 99)))
def test_patterns_read_the_same_of_a_text_cut_short_once_it_is_cleaned(audio: tuple[int, int]) -> None:
    left = text(NOTHING_KEPT, "metadata.usage_object", USAGE % audio)
    parts = ColumnReads(VOCABULARIES).parts("metadata.usage_object")
    assert "refund" not in left
    assert parts.read_alike(USAGE % audio, left)
    assert re.search(r"'prompt_tokens_details': [{][^{}]*'audio_tokens': (\d+)", left)[1] == str(audio[0])  # type: ignore[index]
