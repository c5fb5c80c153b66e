"""A cache answers only where no call did; which caches had something is told apart from that."""

from typing import Any

import pytest

from tests.ingest.loading import Loaded, loaded
from tests.ingest.spans import S, body, call, route


def stored(*spans: S) -> Loaded:
    return loaded([("traces", body(*spans))])


def request(*spans: S) -> dict[str, Any]:
    (row,) = stored(*spans).rows("requests")
    return row


def told(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["cache"], row["cache_layers"], row["lane"], row["answered_by"]


@pytest.mark.parametrize("kind", ["component", "selection", "embedding", "exact"])
def test_a_cache_hit_that_a_call_follows_answers_nothing(kind: str) -> None:
    row = request(route(1, cache__hit=True, cache__kind=kind), call(2, 1))
    assert told(row) == (None, kind, "small", "slm-7b")


@pytest.mark.parametrize("kind", ["exact", "semantic", "component"])
def test_a_cache_hit_without_a_call_is_the_answer_and_costs_nothing(kind: str) -> None:
    row = request(route(1, cache__hit=True, cache__kind=kind))
    assert (*told(row), row["cost_usd"], row["input_tokens"]) == (kind, kind, "cache", None, 0, 0)


@pytest.mark.parametrize("kind", ["embedding", "selection"])
def test_an_embedding_or_a_choice_from_a_cache_is_no_answer_by_itself(kind: str) -> None:
    row = request(route(1, cache__hit=True, cache__kind=kind))
    assert (*told(row), row["cost_usd"]) == (None, kind, "unknown", None, None)


def test_a_cache_that_answers_after_a_failed_call_answered_the_request() -> None:
    row = request(route(1, cache__hit=True, cache__kind="exact"), call(2, 1, error=True))
    assert (*told(row), row["failed"], row["failed_attempts"]) == ("exact", "exact", "cache", None, False, 1)


def test_a_cache_hit_of_a_failed_request_is_a_hit_and_no_answer() -> None:
    routed = route(1, cache__hit=True, cache__kind="exact")
    row = request(S(1, 0, routed.attributes, error=True, name="route"))
    assert (row["cache"], row["cache_layers"], row["failed"]) == (None, "exact", True)


def test_cache_layers_with_a_hit_are_named_once_in_order() -> None:
    step = S(3, 1, {"controlsurface.cache.hit": True, "controlsurface.cache.kind": "component"}, name="step")
    other = S(4, 1, {"controlsurface.cache.hit": True, "controlsurface.cache.kind": "component"}, name="step")
    row = request(route(1, cache__hit=True, cache__kind="Selection"), step, other, call(2, 1))
    assert told(row) == (None, "component,selection", "small", "slm-7b")


def test_a_miss_of_a_cache_layer_is_no_hit_of_it() -> None:
    missed = S(3, 1, {"controlsurface.cache.hit": False, "controlsurface.cache.kind": "exact"}, name="lookup")
    found = S(4, 1, {"controlsurface.cache.hit": True, "controlsurface.cache.kind": "semantic"}, name="lookup")
    assert told(request(route(1), missed, found)) == ("semantic", "semantic", "cache", None)
