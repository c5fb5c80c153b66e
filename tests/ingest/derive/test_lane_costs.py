"""A request knows what it costs in each kind of lane: by its own calls there, or by those of its shadows."""

from itertools import permutations, zip_longest
from typing import Any

from tests.ingest.loading import Body, loaded
from tests.ingest.spans import S, apart, body, call, route

OWN, SHADOW = ("own_large_usd", "own_small_usd"), ("shadow_large_usd", "shadow_small_usd")


def costing(own: int, usd: float, model: str = "slm-7b", parent: int = 1, **more: Any) -> S:
    return call(own, parent, model, controlsurface__cost_usd=usd, **more)


def shadow(own: int, usd: float | None, of: str = "q1", **more: Any) -> S:
    """A shadow call in a trace of its own."""
    told: dict[str, Any] = {"controlsurface__purpose": "shadow", "controlsurface__shadow__of": of}
    told |= {} if usd is None else {"controlsurface__cost_usd": usd}
    given: dict[str, Any] = {"model": "gpt-large", "trace": 2} | told | more
    return call(own, **given)


Batches = tuple[tuple[S, ...], ...]


def told(names: tuple[str, str], *batches: tuple[S, ...]) -> list[float | None]:
    return told_of_each(names, batches)[0]


def told_of_each(names: tuple[str, str], *cases: Batches) -> list[list[float | None]]:
    """What the one request of each case tells; all are derived together, which takes as long as one alone."""
    own = [[apart(number, spans) for spans in batches] for number, batches in enumerate(cases)]
    bodies: list[list[Body]] = [
        [("traces", body(*(span for spans in together for span in spans)))]
        for together in zip_longest(*own, fillvalue=[])
    ]
    rows = sorted(loaded(*bodies).rows("requests"), key=lambda row: str(row["trace_id"]))
    assert len(rows) == len(cases)
    return [[None if row[name] is None else float(row[name]) for name in names] for row in rows]


def test_the_large_call_of_a_cascade_is_what_all_large_would_have_cost() -> None:
    assert told(OWN, (route(1), costing(2, 0.5), costing(3, 1.0, "gpt-large", at=20))) == [1.0, 0.5]


def test_a_lone_call_gives_the_cost_of_its_own_lane_alone() -> None:
    assert told(OWN, (route(1), costing(2, 0.5))) == [None, 0.5]


def test_the_cost_of_a_lane_counts_all_attempts_in_it_the_failed_ones_too() -> None:
    failed = costing(2, 0.2, "gpt-large", error=True, gen_ai__usage__input_tokens=10)
    assert told(OWN, (route(1), failed, costing(3, 1.0, "gpt-large", at=20))) == [1.2, None]


def test_a_large_call_that_failed_before_a_small_one_answered_gives_no_cost_of_the_lane() -> None:
    failed = costing(2, 0.2, "gpt-large", error=True, gen_ai__usage__input_tokens=10)
    assert told(OWN, (route(1), failed, costing(3, 0.5, at=20))) == [None, 0.5]


def test_a_large_call_without_a_price_gives_no_cost_of_the_lane() -> None:
    assert told(OWN, (route(1), costing(2, 0.5), call(3, 1, "gpt-large", at=20))) == [None, 0.5]


def test_a_shadow_in_the_same_trace_gives_the_cost_of_its_lane() -> None:
    spans = (route(1, request_id="q1"), costing(2, 0.5), shadow(3, 2.0, parent=1, trace=1))
    assert told(SHADOW, spans) == [2.0, None]


def test_shadows_in_traces_of_their_own_give_their_mean_cost_in_any_order() -> None:
    batches = [(route(1, request_id="q1"), costing(2, 0.5)), (shadow(1, 2.0),), (shadow(1, 3.0, trace=3),)]
    assert told_of_each(SHADOW, *permutations(batches)) == [[2.5, None]] * 6


def test_a_shadow_far_from_its_request_is_found_up_to_a_week_after_it() -> None:
    asked, day = (route(1, request_id="q1"), costing(2, 0.5)), 86_400_000
    near, far = (shadow(1, 2.0, at=6 * day),), (shadow(1, 2.0, at=8 * day),)
    assert told_of_each(SHADOW, (asked, near), (near, asked), (asked, far)) == [[2.0, None], [2.0, None], [None, None]]


def test_a_shadow_that_failed_has_no_price_or_answers_another_request_gives_no_cost() -> None:
    asked = (route(1, request_id="q1"), costing(2, 0.5))
    said = (shadow(1, 2.0, error=True), shadow(1, None), shadow(1, 2.0, of="q2"))
    assert told_of_each(SHADOW, *((asked, (each,)) for each in said)) == [[None, None]] * 3


def test_a_late_shadow_marks_the_bucket_of_its_request() -> None:
    store = loaded([("traces", body(route(1, request_id="q1"), costing(2, 0.5)))])
    with store.store.writing() as writing:
        writing.execute("DELETE FROM rollup_dirty")
    store.load([("traces", body(shadow(1, 2.0, at=86_400_000)))])
    marked = (
        "SELECT count(*) AS n FROM rollup_dirty, requests WHERE bucket = time_bucket(INTERVAL 5 MINUTES, started_at)"
    )
    assert store.one(marked) == {"n": 1}
