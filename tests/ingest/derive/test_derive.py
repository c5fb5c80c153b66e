"""What is a request, what is an attempt, and what happened to it."""

from typing import Any

import pytest

from tests.ingest.loading import Loaded, loaded
from tests.ingest.spans import S, body, call, route


def derived(*spans: S) -> Loaded:
    return loaded([("traces", body(*spans))])


def requests(*spans: S) -> list[dict[str, Any]]:
    return sorted(derived(*spans).rows("requests"), key=lambda row: (str(row["trace_id"]), row["span_id"]))


def test_a_call_alone_is_a_request() -> None:
    (row,) = requests(call(1))
    assert (row["lane"], row["attempts"], row["input_tokens"], row["escalated"]) == ("small", 1, 10, False)


def test_a_routing_span_encloses_its_calls() -> None:
    (row,) = requests(route(1, confidence=0.9, threshold=0.7, task_type="sql"), call(2, 1))
    assert (row["span_id"], row["confidence"], row["task_type"], row["duration_ms"]) == (1, 0.9, "sql", 100.0)


def test_a_routing_span_beside_the_call_speaks_for_the_span_around_both() -> None:
    (row,) = requests(S(1, name="handle"), route(2, 1, confidence=0.4), call(3, 1))
    assert (row["span_id"], row["confidence"], row["attempts"]) == (1, 0.4, 1)


def test_an_agent_with_several_routed_units_makes_several_requests() -> None:
    rows = requests(S(1, name="agent"), route(2, 1), call(3, 2), route(4, 1), call(5, 4, model="gpt-large"))
    assert [(row["span_id"], row["lane"]) for row in rows] == [(2, "small"), (4, "large")]


def test_a_wrapper_that_repeats_its_calls_totals_is_not_counted() -> None:
    store = derived(call(1), call(2, 1))
    assert [row["span_id"] for row in store.rows("attempts")] == [2]


def test_sibling_calls_share_the_nearest_span_around_them() -> None:
    (row,) = requests(S(1, name="app"), S(2, 1, name="ask"), call(3, 2, at=0), call(4, 2, model="gpt-large", at=20))
    assert (row["span_id"], row["attempts"], row["escalation_kind"]) == (2, 2, "cascaded")


def test_a_routing_span_without_a_call_is_a_request_answered_from_a_cache() -> None:
    (row,) = requests(route(1, cache__hit=True, cache__kind="semantic"))
    assert (row["lane"], row["cache"], row["cost_usd"], row["attempts"], row["escalated"]) == (
        "cache",
        "semantic",
        0,
        0,
        False,
    )


def test_a_failed_small_call_before_a_large_one_is_a_fallback() -> None:
    (row,) = requests(route(1), call(2, 1, error=True), call(3, 1, model="gpt-large", at=20))
    found = row["escalation_kind"], row["escalation_reason"], row["fell_back"], row["failed"], row["failed_attempts"]
    assert found == ("fallback", "error", True, False, 1)


def test_a_large_model_at_once_is_routed() -> None:
    (row,) = requests(route(1, confidence=0.2, threshold=0.7), call(2, 1, model="gpt-large"))
    assert (row["escalation_kind"], row["escalation_reason"]) == ("routed", "low_confidence")


def test_a_failed_gate_explains_the_cascade() -> None:
    gate: dict[str, Any] = {"controlsurface__quality_gate__passed": False}
    (row,) = requests(route(1), call(2, 1, **gate), call(3, 1, model="gpt-large", at=20))
    assert (row["escalation_kind"], row["escalation_reason"]) == ("cascaded", "quality_gate")


def test_a_call_of_the_same_model_after_a_failure_is_a_retry() -> None:
    (row,) = requests(route(1), call(2, 1, error=True), call(3, 1, at=20))
    assert (row["retries"], row["fell_back"], row["escalated"], row["attempts"]) == (1, False, False, 2)


def test_a_request_whose_calls_all_fail_has_no_answering_model() -> None:
    (row,) = requests(
        route(1), call(2, 1, error=True, error__type="Timeout"), call(3, 1, at=20, error=True, error__type="Down")
    )
    assert (row["failed"], row["error_type"], row["answered_by"], row["lane"]) == (True, "Down", None, "small")


def test_overhead_is_billed_beside_the_request_and_is_no_attempt_of_it() -> None:
    classifier: dict[str, Any] = {"controlsurface__purpose": "classifier", "controlsurface__cost_usd": 0.001}
    (row,) = requests(route(1), call(2, 1, **classifier), call(3, 1, controlsurface__cost_usd=0.002))
    assert (row["attempts"], row["steps"], float(row["cost_usd"]), float(row["overhead_usd"])) == (1, 2, 0.002, 0.001)


def test_a_shadow_answer_keeps_what_it_shadows_and_how_it_was_drawn() -> None:
    shadow: dict[str, Any] = {
        "controlsurface__purpose": "shadow",
        "controlsurface__shadow__of": "q1",
        "controlsurface__sampling__probability": 0.1,
    }
    store = derived(route(1, request_id="q1"), call(2, 1), call(9, model="gpt-large", trace=2, **shadow))
    assert [row["request_id"] for row in store.rows("requests")] == ["q1"]
    shadows = [row for row in store.rows("attempts") if row["purpose"] == "shadow"]
    assert [(row["shadow_of"], row["sampling_probability"], row["request_id"]) for row in shadows] == [
        ("q1", 0.1, "q1")
    ]


def test_a_shared_id_joins_attempts_across_traces() -> None:
    first = call(1, error=True, litellm__call_id="c1")
    second = call(2, model="gpt-large", at=20, trace=2, litellm__call_id="c1")
    (row,) = requests(first, second)
    assert (row["attempts"], row["escalation_kind"], row["duration_ms"]) == (2, "fallback", 30.0)


def test_a_shared_id_joins_attempts_that_come_in_different_batches() -> None:
    first = body(call(1, error=True, litellm__call_id="c1"))
    second = body(call(2, model="gpt-large", at=20, trace=2, litellm__call_id="c1"))
    rows = [loaded([("traces", a)], [("traces", b)]).rows("requests") for a, b in ((first, second), (second, first))]
    assert rows[0] == rows[1]
    assert [row["attempts"] for row in rows[0]] == [2]


def test_a_model_without_a_lane_is_in_the_unknown_lane() -> None:
    (row,) = requests(call(1, model="mystery"))
    assert (row["lane"], row["escalated"], row["escalation_kind"]) == ("unknown", None, None)


def test_an_attempts_own_lane_counts_where_the_configuration_is_silent() -> None:
    (row,) = requests(route(1), call(2, 1, model="mystery", controlsurface__lane="large"))
    assert (row["lane"], row["escalated"]) == ("large", True)


def test_parents_in_a_circle_end() -> None:
    store = derived(S(1, 2, {"controlsurface.router.name": "r"}), S(2, 1), call(3, 1), S(4, 4))
    assert store.one("SELECT count(*) AS n FROM attempts")["n"] == 1


def test_impossible_times_give_an_unknown_duration() -> None:
    backwards, timeless = (
        S(1, end=-50, attributes={"controlsurface.task_type": "x"}),
        call(2, trace=2, at=-1_700_000_000_000),
    )
    assert [row["duration_ms"] for row in requests(backwards, timeless)] == [None, None]


def test_sampled_traffic_is_weighted_back() -> None:
    (row,) = requests(route(1, trace__sample_rate=0.25), call(2, 1))
    assert row["sample_weight"] == 4.0


def test_two_zero_token_counts_of_an_answer_are_unknown() -> None:
    usage: dict[str, Any] = {"gen_ai__usage__input_tokens": 0, "gen_ai__usage__output_tokens": 0}
    (row,) = requests(call(1, **usage))
    assert (row["input_tokens"], row["output_tokens"], row["cost_usd"]) == (None, None, None)


def test_session_and_tenant_come_down_from_the_spans_above() -> None:
    (row,) = requests(S(1, attributes={"session.id": "s", "tenant.id": "acme"}), route(2, 1), call(3, 2))
    assert (row["session_id"], row["tenant"]) == ("s", "acme")


def test_the_routers_own_time_ends_with_the_first_call_for_the_user() -> None:
    classified = call(2, 1, at=5, controlsurface__purpose="classifier")
    (row,) = requests(route(1), classified, call(3, 1, at=30), call(4, 1, model="gpt-large", at=60))
    assert row["routing_ms"] == 30.0


def test_the_routers_time_is_unknown_without_a_routing_span() -> None:
    alone, around = call(1), S(2, name="app", trace=2)
    inside = call(3, 2, at=20, trace=2), call(4, 2, at=40, trace=2)
    assert [row["routing_ms"] for row in requests(alone, around, *inside)] == [None, None]


def test_a_call_says_what_its_input_is_made_of() -> None:
    (row,) = derived(call(1, controlsurface__context__system=4, controlsurface__context__history=6)).rows("attempts")
    assert (row["context_system"], row["context_history"], row["context_tools"]) == (4, 6, None)


@pytest.mark.parametrize(
    ("attributes", "streamed"),
    [
        ({"gen_ai.request.stream": True}, True),
        ({"gen_ai.request.is_stream": False}, False),
        ({"gen_ai.is_streaming": True}, True),
        ({"llm.is_streaming": "False"}, False),
        ({"gen_ai.response.time_to_first_chunk": 0.2}, True),
        ({}, None),
    ],
)
def test_a_call_says_whether_it_was_streamed(attributes: dict[str, Any], streamed: bool | None) -> None:
    store = loaded([("traces", body(call(1, **attributes)))])
    assert store.one("SELECT streamed FROM attempts") == {"streamed": streamed}
