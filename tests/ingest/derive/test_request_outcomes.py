"""What answered a request: its end and the router's word say; and what is a retry, and whose a lane is."""

from typing import Any

import pytest

from controlsurface.config import Config, LaneConfig
from tests.ingest.loading import Loaded
from tests.ingest.spans import S, body, call, route

FRONTIER = Config(
    lanes={
        "small": LaneConfig(models=("slm*",)),
        "large": LaneConfig(models=("gpt-*",), aliases=("frontier",), escalation=True),
    }
)


def stored(*spans: S, config: Config = FRONTIER) -> Loaded:
    store = Loaded(config)
    store.load([("traces", body(*spans))])
    return store


def request(*spans: S) -> dict[str, Any]:
    (row,) = stored(*spans).rows("requests")
    return row


def timed(own: int, model: str, start: int, end: int, error: bool = False, **more: Any) -> S:
    """A call below span 1, from `start` to `end` in milliseconds."""
    made = call(own, 1, model=model, at=start, error=error, **more)
    return S(own, 1, made.attributes, start, end, error, made.name, 3)


def routed(end: int, **more: Any) -> S:
    made = route(1, **more)
    return S(1, 0, made.attributes, 0, end, name="route")


def outcome(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["answered_by"], row["lane"], row["escalated"], row["escalation_kind"]


def test_a_hedged_call_that_ended_after_the_request_did_not_answer_it() -> None:
    spans = routed(115), timed(2, "slm-7b", 0, 110), timed(3, "gpt-large", 50, 901)
    row = request(*spans)
    assert outcome(row) == ("slm-7b", "small", False, None)
    assert (row["attempts"], row["input_tokens"]) == (2, 20)  # both are paid for
    answered = {each["model"]: each["answered"] for each in stored(*spans).rows("attempts")}
    assert answered == {"slm-7b": True, "gpt-large": False}


def test_a_large_call_that_answers_before_the_hedged_small_one_ends_was_routed_and_not_cascaded() -> None:
    row = request(routed(120), timed(2, "slm-7b", 0, 700), timed(3, "gpt-large", 50, 110))
    assert outcome(row) == ("gpt-large", "large", True, "routed")


def test_calls_that_all_end_after_the_routing_span_are_judged_by_their_own_ends() -> None:
    row = request(routed(5), timed(2, "slm-7b", 10, 110), timed(3, "gpt-large", 120, 901))
    assert outcome(row) == ("gpt-large", "large", True, "cascaded")


def test_a_stream_that_began_in_time_answers_although_it_ends_after_the_routing_span() -> None:
    first: dict[str, Any] = {"gen_ai.response.time_to_first_chunk": 0.1}
    stream = timed(3, "gpt-large", 120, 901, **first)
    assert outcome(request(routed(250), timed(2, "slm-7b", 0, 110), stream))[0] == "gpt-large"


@pytest.mark.parametrize(
    "word", [{"lane": "small"}, {"router__model": "slm-7b"}], ids=["controlsurface.lane", "selected model"]
)
def test_the_routing_span_says_which_of_simultaneous_calls_answered(word: dict[str, Any]) -> None:
    spans = timed(2, "slm-7b", 0, 110), timed(3, "gpt-large", 50, 190)
    assert outcome(request(routed(200, **word), *spans)) == ("slm-7b", "small", False, None)
    assert outcome(request(routed(200), *spans))[0] == "gpt-large"  # without a word: what ended last


def test_the_answering_model_on_the_routing_span_is_believed_over_the_order_of_calls() -> None:
    span = routed(900)
    named = S(1, 0, {**span.attributes, "gen_ai.response.model": "slm-7b-2026-01-01"}, 0, 900, name="route")
    assert request(named, timed(2, "slm-7b", 0, 110), timed(3, "gpt-large", 120, 800))["answered_by"] == "slm-7b"


def test_the_lane_chosen_first_does_not_undo_a_cascade() -> None:
    row = request(routed(300, lane="small"), timed(2, "slm-7b", 0, 100), timed(3, "gpt-large", 110, 290))
    assert outcome(row) == ("gpt-large", "large", True, "cascaded")


FAIL = {"controlsurface.quality_gate.passed": False}
PASS = {"controlsurface.quality_gate.passed": True}


@pytest.mark.parametrize(
    ("calls", "retries"),
    [
        ([("slm-a", True, {}), ("slm-a", False, {})], 1),
        ([("slm-a", False, FAIL), ("slm-a", False, PASS)], 1),
        ([("slm-a", True, {}), ("slm-b", True, {}), ("slm-a", False, {})], 1),
        ([("slm-a", False, FAIL), ("slm-b", False, FAIL), ("slm-a", False, FAIL), ("slm-b", False, {})], 2),
        ([("slm-a", False, PASS), ("slm-a", False, PASS)], 0),
        ([("slm-a", True, {}), ("slm-b", False, {})], 0),
        ([("slm-a", True, {}), ("slm-a", True, {}), ("slm-a", False, {})], 2),
    ],
)
def test_a_retry_is_the_same_model_again_after_a_failure_or_a_failed_gate(
    calls: list[tuple[str, bool, dict[str, Any]]], retries: int
) -> None:
    spans = [
        timed(place + 2, model, place * 20, place * 20 + 10, error, **more)
        for place, (model, error, more) in enumerate(calls)
    ]
    assert request(routed(200), *spans)["retries"] == retries


def test_a_call_that_began_before_the_failure_is_hedged_and_no_retry() -> None:
    assert request(routed(200), timed(2, "slm-a", 0, 50, error=True), timed(3, "slm-a", 20, 90))["retries"] == 0


def test_the_lane_that_the_router_states_is_that_of_the_call_that_answered_too() -> None:
    store = stored(routed(200, lane="frontier"), timed(2, "slm-7b", 0, 20, error=True), timed(3, "mystery", 30, 90))
    assert [(row["lane"], row["escalated"]) for row in store.rows("requests")] == [("large", True)]
    assert {row["model"]: row["lane"] for row in store.rows("attempts")} == {"slm-7b": "small", "mystery": "large"}


def test_a_failed_call_of_a_model_without_a_lane_stays_in_the_unknown_lane() -> None:
    store = stored(routed(200, lane="frontier"), timed(2, "mystery", 0, 20, error=True), timed(3, "gpt-5", 30, 90))
    assert {row["model"]: row["lane"] for row in store.rows("attempts")} == {"mystery": "unknown", "gpt-5": "large"}


@pytest.mark.parametrize(("confidence", "reason"), [(0.9, "low_confidence"), (0.2, None)])
def test_low_entropy_is_sure(confidence: float, reason: str | None) -> None:
    decision = route(1, confidence=confidence, threshold=0.5, router__confidence_kind="entropy")
    assert request(decision, call(2, 1, model="gpt-large"))["escalation_reason"] == reason
