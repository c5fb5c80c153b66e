"""The sentence on a request's card, for every way a request can go."""

from typing import Any

from controlsurface.ui.requests.request_card import explain_routing

SMALL: dict[str, Any] = {
    "confidence": 0.81,
    "threshold": 0.7,
    "selected_lane": "small",
    "lane": "small",
    "answered_by": "slm-7b",
    "duration_ms": 120.0,
    "escalated": False,
    "failed": False,
}
LARGE = SMALL | {
    "confidence": 0.53,
    "selected_lane": "large",
    "lane": "large",
    "answered_by": "gpt-5",
    "escalated": True,
    "escalation_kind": "routed",
}


def call(model: str, **more: Any) -> dict[str, Any]:
    return {"purpose": "user", "model": model, **more}


def test_a_sure_router_stays_small() -> None:
    said = (
        "Confidence 0.81 reached the threshold 0.70, so the request went to the small lane. slm-7b answered in 120 ms."
    )
    assert explain_routing(SMALL, [call("slm-7b")]) == said


def test_an_unsure_router_goes_large_at_once() -> None:
    assert "Confidence 0.53 was under the threshold 0.70, so the request went to the large lane." in explain_routing(
        LARGE, []
    )


def test_a_router_against_its_threshold_has_to_give_its_reason() -> None:
    said = explain_routing(LARGE | {"confidence": 0.9, "reason": "policy"}, [])
    assert (
        "reached the threshold 0.70, and yet the request went to the large lane. The router's reason: policy." in said
    )


def test_an_answer_that_failed_its_check_is_named() -> None:
    row = LARGE | {"confidence": 0.8, "selected_lane": "small", "escalation_kind": "cascaded"}
    said = explain_routing(row, [call("slm-7b", gate="fail"), call("gpt-5")])
    assert "slm-7b's answer did not pass its check. gpt-5 answered in its place" in said


def test_a_call_that_failed_is_named() -> None:
    row = LARGE | {"confidence": 0.8, "selected_lane": "small", "escalation_kind": "fallback"}
    assert "slm-7b failed (timeout)." in explain_routing(
        row, [call("slm-7b", failed=True, error_type="timeout"), call("gpt-5")]
    )


def test_a_cached_answer_needed_no_model() -> None:
    assert (
        explain_routing(SMALL | {"cache": "exact"}, [])
        == "The answer came from the exact cache, so no model was called for it."
    )


def test_a_router_without_confidence_is_not_made_surer() -> None:
    said = explain_routing(SMALL | {"confidence": None, "reason": "rule 7"}, [])
    assert said.startswith(
        "The router gave no confidence; the request went to the small lane. The router's reason: rule 7."
    )


def test_a_confidence_without_a_threshold_is_just_said() -> None:
    assert explain_routing(SMALL | {"threshold": None}, []).startswith(
        "Confidence was 0.81, with no threshold to hold it against"
    )


def test_a_request_that_nothing_answered_says_so() -> None:
    said = explain_routing(
        SMALL | {"failed": True, "error_type": "rate_limit"}, [call("slm-7b", failed=True, error_type="rate_limit")]
    )
    assert said.endswith("slm-7b failed (rate_limit). Nothing answered it: rate_limit.")


def test_a_request_without_any_field_is_still_explained() -> None:
    assert explain_routing({}, []) == "A model without a name answered in –."


def test_low_entropy_is_sure() -> None:
    sure = SMALL | {"confidence": 0.2, "confidence_kind": "entropy"}
    said = "Entropy 0.20 stayed within the threshold 0.70, so the request went to the small lane."
    assert explain_routing(sure, []).startswith(said)
    unsure = LARGE | {"confidence": 0.9, "confidence_kind": "entropy"}
    assert "Entropy 0.90 was over the threshold 0.70, so the request went to the large lane." in explain_routing(
        unsure, []
    )


def test_a_component_from_a_cache_is_no_answer() -> None:
    said = explain_routing(
        SMALL | {"cache": None, "cache_layers": "component,selection", "attempts": 1}, [call("slm-7b")]
    )
    assert said.startswith("The component and selection cache had something for it, and a model was called all the")
    assert said.endswith("slm-7b answered in 120 ms.")


def test_a_cache_that_answered_after_failed_calls_says_so() -> None:
    row = SMALL | {"cache": "exact", "cache_layers": "exact", "attempts": 1, "answered_by": None, "lane": "cache"}
    said = explain_routing(row, [call("slm-7b", failed=True, error_type="timeout")])
    assert said == "The answer came from the exact cache, after calls that failed. slm-7b failed (timeout)."
