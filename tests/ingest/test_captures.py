"""Every captured export of a real client comes to what the provider's own ledger says."""

from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.ingest.loading import CAPTURES, Loaded, capture, loaded

CASCADE = {"requests": 3, "attempts": 5, "failed_attempts": 1, "failed": 0, "escalated": 2, "tokens": (56, 98)}
PRICED = Decimal("0.002837")

# What each run comes to; tokens and cost over all attempts.
TRUTHS: dict[str, dict[str, Any]] = {
    "otelgenai-1.3b0-cascade": CASCADE,
    "oi-0.1.66-cascade": CASCADE,
    "openllmetry-0.62.4-cascade": CASCADE,
    "openlit-1.44.0-cascade+pricing": {**CASCADE, "cost": Decimal("0.002865")},
    "langfuse-5.0.4-cascade": CASCADE,
    "vercel_ai-7.0.173-cascade": CASCADE,
    "litellm-1.106.2-fallback": {"requests": 5, "attempts": 5, "failed": 2, "tokens": (42, 91), "cost": PRICED},
    "litellmv2-1.106.2-fallback": {"requests": 5, "attempts": 5, "failed": 2, "tokens": (42, 91), "cost": PRICED},
    "litellmv2-1.106.2-autorouter": {"requests": 2, "escalated": 1, "tokens": (61, 49), "cost": Decimal("0.001776")},
    "litellmv2-1.106.2-autorouter-llm": {"requests": 3, "attempts": 5, "escalated": 1, "tokens": (531, 70)},
    "litellmproxyv2-1.106.2-autorouter": {
        "requests": 3,
        "attempts": 4,
        "failed_attempts": 1,
        "failed": 0,
        "escalated": 2,
        "tokens": (73, 91),
        "cost": Decimal("0.003156"),
    },
    "litellm-1.106.2-cache": {
        "requests": 2,
        "attempts": 1,
        "cached": 1,
        "tokens": (14, 7),
        "cost": Decimal("0.000028"),
    },
    "litellmv2-1.106.2-cache": {
        "requests": 2,
        "attempts": 1,
        "cached": 1,
        "tokens": (14, 7),
        "cost": Decimal("0.000028"),
    },
    "otelgenai-1.3b0-stream": {"requests": 2, "attempts": 2, "tokens": (15, 42)},
    "otelgenai-1.3b0-error": {"requests": 4, "attempts": 4, "failed": 4, "failed_attempts": 4, "tokens": (None, None)},
    "otelgenai-1.3b0-reason": {"requests": 1, "attempts": 1, "tokens": (104, 90)},
    "otelgenai-1.3b0-routellm": {"requests": 2, "attempts": 2, "escalated": 1, "tokens": (26, 49)},
    "pydantic_ai-2.68.0-fallback": {
        "requests": 2,
        "attempts": 3,
        "failed_attempts": 1,
        "failed": 0,
        "tokens": (27, 49),
    },
    "pydantic_evals-2.62.0-online": {"requests": 2, "attempts": 2, "tokens": (27, 49), "evaluations": 8},
    "semantic_router-1.1.1-route+oi": {"requests": 2, "attempts": 5, "escalated": 1, "tokens": (59, 49)},
    "vllm_sr-3d48f8c9-synthetic": {"requests": 4, "attempts": 3, "cached": 1, "failed": 1, "tokens": (None, None)},
    "oi_decision-0.1.42-synthetic": {"requests": 2, "attempts": 4, "escalated": 1, "tokens": (850, 53)},
    "handmade-1-types": {"requests": 6, "attempts": 6, "tokens": (52, 28)},
    "handmade-1-duplicate": {"requests": 1, "attempts": 1, "tokens": (13, 7)},
    "handmade-1-empty": {"requests": 0, "attempts": 0, "tokens": (None, None)},
    "handmade-1-ids": {"requests": 1, "attempts": 1, "tokens": (5, 5)},
    "handmade-1-json-upper-hex": {"requests": 1, "tokens": (3, 4)},
    "handmade-1-json-unknown-fields": {"requests": 1, "tokens": (3, 4)},
}

SUMS = {
    "requests": "(SELECT count(*) FROM requests)",
    "escalated": "(SELECT count(*) FROM requests WHERE escalated)",
    "failed": "(SELECT count(*) FROM requests WHERE failed)",
    "cached": "(SELECT count(*) FROM requests WHERE cache IS NOT NULL)",
    "evaluations": "(SELECT count(*) FROM evaluations)",
    "attempts": "count(*)",
    "failed_attempts": "count(*) FILTER (WHERE failed)",
    "cost": "sum(cost_usd)",
}


def sums(store: Loaded) -> dict[str, Any]:
    named = ", ".join(f"{sql} AS {name}" for name, sql in SUMS.items())
    row = store.one(f"SELECT {named}, sum(input_tokens) AS i, sum(output_tokens) AS o FROM attempts")
    return {**row, "tokens": (row["i"], row["o"])}


@cache
def outcome(run: str) -> dict[str, Any]:
    """The sums of a run, and its rows by table; derived once for all tests."""
    store = loaded(capture(run))
    found = sums(store) | {f"rows of {table}": store.rows(table) for table in ("requests", "attempts", "spans")}
    store.store.close()
    return found


def rows_of(run: str, table: str = "requests") -> list[dict[str, Any]]:
    return list(outcome(run)[f"rows of {table}"])


@pytest.mark.parametrize("run", TRUTHS)
def test_a_captured_run_comes_to_its_ledger(run: str) -> None:
    found = outcome(run)
    assert {name: found[name] for name in TRUTHS[run]} == TRUTHS[run]


def test_every_captured_run_has_an_expected_ledger() -> None:
    runs = {path.name.split(".traces")[0] for path in CAPTURES.glob("*.traces*")}
    apart = {
        "handmade-1-truncated",
        "handmade-1-json-base64-ids",
        "handmade-1-orphan-child",
        "handmade-1-orphan-parent",
    }
    assert runs - apart == set(TRUTHS)


@pytest.mark.parametrize("run", [run for run in TRUTHS if "cascade" in run])
def test_a_cascade_is_distinguished_from_a_fallback(run: str) -> None:
    rows = sorted(rows_of(run), key=lambda row: row["input_tokens"])
    assert [row["escalation_kind"] for row in rows] == [None, "fallback", "cascaded"]
    assert [row["escalation_reason"] for row in rows] == [None, "error", "low_confidence"]
    assert [row["lane"] for row in rows] == ["small", "large", "large"]
    assert [row["confidence"] for row in rows] == [None, None, 0.31]
    assert {row["threshold"] for row in rows} == {0.7}


def test_a_gateways_fallback_is_one_request_with_both_attempts() -> None:
    rows = rows_of("litellmproxyv2-1.106.2-autorouter")
    fallback = next(row for row in rows if row["fell_back"])
    assert (fallback["attempts"], fallback["escalation_kind"], fallback["answered_by"]) == (
        2,
        "fallback",
        "gpt-large-ok",
    )
    assert fallback["requested_model"] == "auto-down"


def test_classifier_calls_are_billed_but_are_no_user_traffic() -> None:
    store = loaded(capture("litellmv2-1.106.2-autorouter-llm"))
    by_purpose = store.rows(
        "(SELECT purpose, count(*) AS n, sum(input_tokens)::INTEGER AS i FROM attempts GROUP BY purpose)"
    )
    assert by_purpose == [{"purpose": "classifier", "n": 2, "i": 457}, {"purpose": "user", "n": 3, "i": 74}]


def test_confidence_keeps_its_kind_and_its_scale() -> None:
    cosine = rows_of("semantic_router-1.1.1-route+oi")
    score = rows_of("litellmv2-1.106.2-autorouter")
    assert {(r["confidence"], r["confidence_kind"]) for r in cosine} == {(1.0, "cosine"), (None, None)}
    assert {(r["confidence"], r["confidence_kind"]) for r in score} == {
        (-0.15000000000000002, "score"),
        (0.675, "score"),
    }


def test_the_rule_engines_confidence_is_not_the_reasoning_entropy() -> None:
    rows = rows_of("vllm_sr-3d48f8c9-synthetic")
    assert {row["request_id"]: row["confidence"] for row in rows} == {
        "req-1": 0.91,
        "req-2": 0.42,
        "req-3": 0.91,
        "req-4": 0.5,
    }
    assert {row["request_id"]: row["lane"] for row in rows} == {
        "req-1": "small",
        "req-2": "large",
        "req-3": "cache",
        "req-4": "small",
    }


def test_a_decision_models_answer_survives_dropping_its_prompt() -> None:
    rows = rows_of("oi_decision-0.1.42-synthetic")
    assert {(row["confidence"], row["lane"], row["task_type"]) for row in rows} == {
        (0.93, "small", "triage"),
        (0.58, "large", "triage"),
    }


def test_tokens_of_reasoning_and_cache_are_inside_the_totals() -> None:
    row = rows_of("otelgenai-1.3b0-reason", "attempts")[0]
    assert (row["input_tokens"], row["cached_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (
        104,
        64,
        90,
        50,
    )


def test_routellms_router_and_threshold_are_in_the_model_name() -> None:
    rows = rows_of("otelgenai-1.3b0-routellm")
    assert {(row["router"], row["threshold"], row["lane"]) for row in rows} == {
        ("mf", 0.11593, "small"),
        ("mf", 0.11593, "large"),
    }


def test_evaluations_gate_the_request_they_judge() -> None:
    rows = rows_of("pydantic_evals-2.62.0-online")
    assert {(row["lane"], row["gate"]) for row in rows} == {("small", "fail"), ("large", "pass")}


def test_a_stream_without_usage_is_unknown_and_not_zero() -> None:
    rows = rows_of("otelgenai-1.3b0-stream")
    assert sorted((row["input_tokens"], row["cost_usd"]) for row in rows if row["input_tokens"] is None) == [
        (None, None)
    ]


def test_invalid_values_are_unknown_and_flagged() -> None:
    store = loaded(capture("handmade-1-types"))
    flags = {row["name"]: row["invalid"] for row in store.rows("spans")}
    assert flags == {"a": None, "b": None, "c": None, "d": None, "e": "input_tokens,output_tokens,cost_usd", "f": None}
    zero = store.one("SELECT cost_usd FROM attempts WHERE attempt_id LIKE '%0003'")
    assert zero["cost_usd"] is None


@pytest.mark.parametrize("order", [("child", "parent"), ("parent", "child")])
def test_a_parent_may_come_after_its_child(order: tuple[str, str]) -> None:
    store = loaded(*(capture(f"handmade-1-orphan-{part}") for part in order))
    row = store.one("SELECT * FROM requests")
    assert (row["lane"], row["escalated"], row["confidence"]) == ("large", True, 0.31)
    assert (row["input_tokens"], row["output_tokens"], row["attempts"]) == (14, 42, 1)


def test_an_evaluation_in_a_log_and_in_a_span_event_is_one() -> None:
    log = next(body for signal, body in capture("pydantic_evals-2.62.0-online") if signal == "logs")
    store = loaded(capture("pydantic_evals-2.62.0-online"), [("traces", with_events(log))])
    assert len(store.rows("evaluations")) == 8


def with_events(logs: bytes) -> bytes:
    """The evaluations of a logs export as span events."""
    export = ExportTraceServiceRequest()
    spans = export.resource_spans.add().scope_spans.add().spans
    for record in ExportLogsServiceRequest.FromString(logs).resource_logs[0].scope_logs[0].log_records:
        span = spans.add(trace_id=record.trace_id, span_id=record.span_id, name="judged")
        span.events.add(name="gen_ai.evaluation.result", time_unix_nano=5, attributes=record.attributes)
    return export.SerializeToString()
