"""Reports of how requests were told wrongly elsewhere, as traffic of ours; each names where it was read."""

import random
from typing import Any

from tests.ingest.loading import Loaded, loaded
from tests.ingest.spans import S, body, call, route


def stored(*spans: S) -> Loaded:
    return loaded([("traces", body(*spans))])


def request(*spans: S) -> dict[str, Any]:
    (row,) = stored(*spans).rows("requests")
    return row


def at(span: S, start: int, end: int) -> S:
    """The same span at another time, in milliseconds."""
    return S(span.own, span.parent, span.attributes, start, end, span.error, span.name, span.kind, span.trace)


def test_the_fastest_of_models_called_in_parallel_answers_the_request() -> None:
    """docs.litellm.ai, "Batching Completion()": one call to many models returns the fastest response."""
    models = {"slm-7b": (0, 240), "gpt-large": (0, 900), "claude-opus": (0, 610)}
    calls = [at(call(own, 1, model=model), *when) for own, (model, when) in enumerate(models.items(), 2)]
    row = request(at(route(1), 0, 245), *calls)
    assert (row["answered_by"], row["escalated"], row["attempts"], row["fell_back"]) == ("slm-7b", False, 3, False)


def test_a_race_whose_losers_are_cancelled_fell_back_to_nothing() -> None:
    """docs.restate.dev, "Racing agents": the fastest response is returned and the others are cancelled."""
    lost = at(call(3, 1, model="gpt-large", error=True, error__type="CancelledError"), 0, 246)
    row = request(at(route(1), 0, 250), at(call(2, 1), 0, 240), lost)
    found = row["answered_by"], row["escalation_kind"], row["fell_back"], row["retries"], row["failed"]
    assert found == ("slm-7b", None, False, 0, False)


def test_a_guardrail_that_fails_makes_the_next_call_of_the_model_a_retry() -> None:
    """Portkey-AI/gateway issue 1205, langchain4j issue 3946: retried until the guardrail passes."""
    refused: dict[str, Any] = {"controlsurface.quality_gate.passed": False}
    passed: dict[str, Any] = {"controlsurface.quality_gate.passed": True}
    row = request(route(1), call(2, 1, **refused), call(3, 1, at=20, **refused), call(4, 1, at=40, **passed))
    assert (row["retries"], row["attempts"], row["failed_attempts"], row["gate"]) == (2, 3, 0, "pass")


def test_seven_timeouts_and_an_answer_are_seven_retries() -> None:
    """grasp-technologies/grasp-agents pull request 167: one production trace has seven failed spans of one model."""
    tries = [call(own, 1, at=own * 11, error=True, error__type="APITimeoutError") for own in range(2, 9)]
    row = request(at(route(1), 0, 200), *tries, call(9, 1, at=99))
    assert (row["retries"], row["failed_attempts"], row["failed"], row["fell_back"]) == (7, 7, False, False)


def test_a_primary_tried_again_after_the_fallback_failed_is_a_retry() -> None:
    """can1357/oh-my-pi issue 6764: a chain of models that comes back to its first."""
    chain = [("slm-a", True), ("slm-b", True), ("slm-a", True), ("slm-b", False)]
    calls = [call(own, 1, model=model, at=own * 11, error=failed) for own, (model, failed) in enumerate(chain, 2)]
    row = request(at(route(1), 0, 200), *calls)
    assert (row["retries"], row["attempts"], row["fell_back"]) == (2, 4, True)


def test_a_mirrored_call_is_not_billed_to_users() -> None:
    """envoyproxy/ai-gateway issue 2137, BasedHardware/omi pull request 8889: shadows were counted as the users' own."""
    mirror: dict[str, Any] = {"controlsurface.shadow.of": "q1", "controlsurface.cost_usd": 2.0}
    own: dict[str, Any] = {"controlsurface.cost_usd": 0.5}
    row = request(route(1, request_id="q1"), call(2, 1, **own), call(3, model="gpt-large", trace=2, **mirror))
    assert (row["cost_usd"], row["overhead_usd"], row["input_tokens"], row["attempts"]) == (0.5, 2, 10, 1)


def test_a_cached_answer_that_repeats_the_usage_of_the_first_call_uses_nothing() -> None:
    """BerriAI/litellm issue 39057: on a cache hit the cost is zeroed and the tokens are those of the call it saved."""
    hit: dict[str, Any] = {"hidden_params": '{"cache_key": "9f2", "response_cost": 0.0}', "litellm.call_id": "c"}
    row = request(call(1, **hit))
    assert (row["cache"], row["input_tokens"], row["cost_usd"], row["attempts"]) == ("hit", 0, 0, 0)


def test_an_embedding_from_a_cache_on_the_way_to_an_answer_is_none() -> None:
    """ENTERPILOT/GoModel pull request 962: embeddings come from the response cache, too."""
    cached: dict[str, Any] = {"gen_ai.operation.name": "embeddings", "controlsurface.cache.hit": True}
    row = request(route(1), call(2, 1, model="embed-small", **cached), call(3, 1, at=20))
    assert (row["cache"], row["cache_layers"], row["answered_by"], row["lane"]) == (
        None,
        "embedding",
        "slm-7b",
        "small",
    )


def test_a_sample_rate_of_zero_stands_for_itself() -> None:
    """letsencrypt/boulder pull request 5448: spans kept for their own sake said a sample rate of 0."""
    assert request(route(1, trace__sample_rate=0.0), call(2, 1))["sample_weight"] == 1


def test_random_chains_of_calls_are_derived_as_they_happened() -> None:
    """Each call after the other; what answered is the last, a retry repeats a model that failed or failed its gate."""
    rng = random.Random(9)
    spans: list[S] = []
    truth = {}
    for trace in range(1, 61):
        spans.append(at(route(1, trace=trace, request_id=f"q{trace}"), 0, 1000))
        bad: set[str] = set()
        retries, previous = 0, None
        for step in range(rng.randint(1, 5)):
            model = rng.choice(["slm-a", "slm-b", "gpt-a"])
            failed, passed = rng.random() < 0.4, rng.choice([None, True, False])
            gate: dict[str, Any] = {} if failed or passed is None else {"controlsurface.quality_gate.passed": passed}
            spans.append(call(2 + step, 1, model=model, at=step * 20, error=failed, trace=trace, **gate))
            retries += model in bad
            if failed or passed is False:
                bad.add(model)
            previous = previous if failed else model
        truth[f"q{trace}"] = (previous, retries)
    found = {row["request_id"]: (row["answered_by"], row["retries"]) for row in stored(*spans).rows("requests")}
    assert found == truth
