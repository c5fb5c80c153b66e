"""What is a model call: evidence decides, words help, and every token is counted, explained or said to be neither."""

from dataclasses import replace

from tests.ingest.loading import Loaded, loaded
from tests.ingest.spans import S, Value, body, call

USAGE = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20}


def spans(*given: S) -> Loaded:
    return loaded([("traces", body(*given))])


def attempts(*given: S) -> list[tuple[int, int | None, int | None]]:
    rows = spans(*given).rows("attempts")
    return sorted((row["span_id"], row["input_tokens"], row["output_tokens"]) for row in rows)


def uncounted(*given: S) -> dict[int, str]:
    return {row["span_id"]: row["explanation"] or row["problem"] for row in spans(*given).rows("uncounted_usage")}


def named(own: int, parent: int = 0, word: str = "", tokens: tuple[int, int] | None = None, **more: Value) -> S:
    """A span with an operation word, a model and tokens."""
    found: dict[str, Value] = {"gen_ai.request.model": "slm-7b"}
    if word:
        found["gen_ai.operation.name"] = word
    if tokens:
        found |= {"gen_ai.usage.input_tokens": tokens[0], "gen_ai.usage.output_tokens": tokens[1]}
    return S(own, parent, found | {key.replace("__", "."): value for key, value in more.items()})


def test_a_model_with_tokens_is_a_call_whatever_its_operation_word() -> None:
    words = ["", "chat.completions", "acompletion", "quux", "llm-call", "execute_tool", "invoke_agent"]
    rows = spans(*(replace(named(1, word=word, tokens=(100, 20)), trace=n) for n, word in enumerate(words, 1)))
    assert [(row["input_tokens"], row["output_tokens"]) for row in rows.rows("attempts")] == [(100, 20)] * len(words)


def test_a_span_with_a_model_and_any_evidence_is_a_call_whatever_its_kind() -> None:
    evidence: list[dict[str, Value]] = [
        {"gen_ai.response.id": "r1"},
        {"gen_ai.response.finish_reasons": "stop"},
        {"gen_ai.response.time_to_first_chunk": 0.2},
        {"gen_ai.usage.cost": 0.01},
        {"gen_ai.usage.output_tokens": 5},
    ]
    given = [{"gen_ai.request.model": "m", **each} for each in evidence]
    pairs = enumerate(((attributes, kind) for attributes in given for kind in range(6)), 1)
    rows = spans(*(S(1, attributes=attributes, kind=kind, trace=n) for n, (attributes, kind) in pairs))
    assert len(rows.rows("attempts")) == 30


def test_a_model_alone_is_no_call() -> None:
    assert attempts(S(1, attributes={"gen_ai.request.model": "m"})) == []


def test_an_agents_totals_are_explained_by_its_calls() -> None:
    given = named(1, word="invoke_agent", tokens=(30, 12)), call(2, 1), call(3, 1, at=20), call(4, 1, at=40)
    assert attempts(*given) == [(2, 10, 5), (3, 10, 5), (4, 10, 5)]
    assert uncounted(*given) == {1: "wrapper"}


def test_an_agent_that_used_more_than_its_calls_is_unexplained() -> None:
    given = named(1, word="invoke_agent", tokens=(500, 90)), call(2, 1)
    assert attempts(*given) == [(2, 10, 5)]
    assert uncounted(*given) == {1: "more_than_its_calls"}


def test_tokens_without_a_model_are_unexplained() -> None:
    assert attempts(S(1, attributes=USAGE)) == []
    assert uncounted(S(1, attributes=USAGE)) == {1: "no_model"}


def test_a_usage_span_below_a_call_is_part_of_it() -> None:
    assert uncounted(named(1, word="chat", tokens=(100, 20)), S(2, 1, USAGE)) == {2: "part"}


def test_the_innermost_of_stacked_wrapper_spans_counts() -> None:
    given = [named(own, own - 1, tokens=(100, 20)) for own in range(1, 6)]
    assert attempts(*given) == [(5, 100, 20)]
    assert uncounted(*given) == dict.fromkeys(range(1, 5), "wrapper")


def test_a_call_without_usage_takes_it_from_the_span_around_it() -> None:
    given = named(1, tokens=(100, 20)), named(2, 1, "chat")
    assert attempts(*given) == [(2, 100, 20)]
    assert uncounted(*given) == {1: "wrapper"}


def test_two_calls_without_usage_stay_unknown_and_their_sum_unexplained() -> None:
    given = named(1, word="invoke_agent", tokens=(100, 20)), named(2, 1, "chat"), named(3, 1, "chat")
    assert attempts(*given) == [(2, None, None), (3, None, None)]
    assert uncounted(*given) == {1: "more_than_its_calls"}


def test_a_failed_attempt_below_a_call_with_usage_takes_nothing_from_it() -> None:
    rows = spans(named(1, word="chat", tokens=(100, 20)), call(2, 1, error=True)).rows("attempts")
    found = {(row["span_id"], row["failed"], row["input_tokens"]) for row in rows}
    assert found == {(1, False, 100), (2, True, None)}


def test_a_tool_that_asks_a_model_within_a_call_makes_a_call_of_its_own() -> None:
    given = named(1, word="chat", tokens=(100, 20)), named(2, 1, "execute_tool"), named(3, 2, "chat", (50, 7))
    assert attempts(*given) == [(1, 100, 20), (3, 50, 7)]
    assert uncounted(*given) == {}


def test_calls_for_different_purposes_do_not_hide_each_other() -> None:
    inner = named(2, 1, "chat", (50, 7), controlsurface__purpose="classifier")
    assert attempts(named(1, word="chat", tokens=(100, 20)), inner) == [(1, 100, 20), (2, 50, 7)]


def test_unlisted_attributes_are_read_by_the_last_words_of_their_keys() -> None:
    given: dict[str, Value] = {
        "acme.llm.model_name": "slm-7b",
        "acme.usage.prompt_tokens": 100,
        "acme.usage.completion_tokens": 20,
        "acme.usage.cached_tokens": 60,
        "acme.usage.totalTokens": 120,
    }
    (row,) = spans(S(1, attributes=given)).rows("attempts")
    found = row["model"], row["input_tokens"], row["cached_tokens"], row["output_tokens"], row["token_counting"]
    assert found == ("slm-7b", 100, 60, 20, "total")


def test_wrapper_spans_do_not_depend_on_the_order_of_arrival() -> None:
    given = named(1, word="invoke_agent", tokens=(20, 10)), call(2, 1), call(3, 1, at=20)
    for first in given:
        others = [span for span in given if span is not first]
        store = loaded([("traces", body(first))], [("traces", body(*others))])
        assert sorted(row["span_id"] for row in store.rows("attempts")) == [2, 3]
        assert [row["span_id"] for row in store.rows("uncounted_usage")] == [1]


def test_a_call_keeps_its_operation() -> None:
    (row,) = spans(named(1, word="rerank", tokens=(100, 0))).rows("attempts")
    assert row["operation"] == "rerank"


def told(own: int, at: int, answer: str, tokens: int = 100) -> S:
    """A call with an answer's id, ten milliseconds long."""
    return call(own, at=at, gen_ai__response__id=answer, gen_ai__usage__input_tokens=tokens)


def test_a_call_instrumented_twice_counts_once() -> None:
    given = told(1, 0, "r1"), told(2, 3, "r1")
    assert attempts(*given) == [(1, 100, 5)]
    assert uncounted(*given) == {2: "twin"}


def test_spans_with_their_own_time_id_or_usage_are_calls_of_their_own() -> None:
    given = told(1, 0, "r1"), told(2, 3, "r2"), told(3, 20, "r1"), told(4, 4, "r1", tokens=7)
    assert [own for own, *_ in attempts(*given)] == [1, 2, 3, 4]
