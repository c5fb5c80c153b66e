"""Shadow calls in traces of their own belong to the request that they answer again, whenever they come."""

import random
from collections import Counter
from decimal import Decimal
from itertools import permutations
from typing import Any

from tests.ingest.loading import Body, Loaded, loaded
from tests.ingest.spans import S, apart, body, call, route

HOUR_MS = 3_600_000


def shadow(own: int, of: str | None, trace: int, at: int = 0, cost: float = 0.5, parent: int = 0) -> S:
    """A call of the large lane that answers request `of` again."""
    attributes: dict[str, Any] = {"controlsurface__purpose": "shadow", "controlsurface__cost_usd": cost}
    if of:
        attributes["controlsurface__shadow__of"] = of
    return call(own, parent, model="gpt-large", at=at, trace=trace, **attributes)


def shadows_of(store: Loaded) -> list[dict[str, Any]]:
    return [row for row in store.rows("attempts") if row["purpose"] == "shadow"]


def asked(request_id: str, trace: int, **more: Any) -> list[S]:
    return [route(1, trace=trace, request_id=request_id, task_type="sql", team="a", **more), call(2, 1, trace=trace)]


def test_a_shadow_in_a_trace_of_its_own_belongs_to_its_request_in_any_order() -> None:
    """Before it, with it, hours and days after it: a request of each kind."""
    offsets = [-HOUR_MS // 2, 50, 5 * HOUR_MS, 6 * 24 * HOUR_MS]
    routed = body(*(span for n in range(len(offsets)) for span in apart(n, asked("q", 1))))
    again = body(*(span for n, at in enumerate(offsets) for span in apart(n, [shadow(9, "q", 2, at)])))
    bodies: list[list[Body]] = [[("traces", routed)], [("traces", again)]]
    stores = [loaded(*order) for order in permutations(bodies)]
    stores.append(loaded([*bodies[0], *bodies[1]]))
    for store in stores:
        for request in store.rows("requests"):
            assert (request["overhead_usd"], request["steps"], request["attempts"]) == (Decimal("0.5"), 2, 1)
        about = [
            (row["request_id"], row["task_type"], row["team"], row["answered"])
            for row in sorted(shadows_of(store), key=lambda row: str(row["request_id"]))
        ]
        assert about == [(f"q-{n}", "sql", "a", False) for n in range(len(offsets))]
        assert len(store.rows("requests")) == len(offsets)
    assert len({repr((store.rows("requests"), store.rows("attempts"))) for store in stores}) == 1


def test_a_shadow_names_its_request_by_trace_and_span_where_the_router_gave_no_id() -> None:
    of = f"{1:032x}-{1:016x}"
    for order in ([0, 1], [1, 0]):
        parts = [body(route(1, task_type="sql"), call(2, 1)), body(shadow(9, of, 2, HOUR_MS * 30))]
        store = loaded(*([("traces", parts[place])] for place in order))  # type: ignore[arg-type]
        assert [row["request_id"] for row in shadows_of(store)] == [of]


def test_a_replay_through_the_router_makes_no_request_of_its_own() -> None:
    store = loaded([("traces", body(*asked("q1", 1), route(1, trace=2), shadow(9, "q1", 2, parent=1)))])
    assert [(row["request_id"], row["steps"]) for row in store.rows("requests")] == [("q1", 2)]


def test_a_call_that_names_the_request_it_shadows_is_a_shadow() -> None:
    of: dict[str, Any] = {"controlsurface.shadow.of": "q1"}
    named = call(9, model="gpt-large", trace=2, **of)
    store = loaded([("traces", body(*asked("q1", 1), named))])
    assert [(row["request_id"], row["attempts"]) for row in store.rows("requests")] == [("q1", 1)]
    assert [row["request_id"] for row in shadows_of(store)] == ["q1"]


def test_a_shadow_of_a_request_that_never_comes_belongs_to_no_request() -> None:
    store = loaded([("traces", body(*asked("q1", 1), shadow(9, "q2", 2)))])
    assert [row["request_id"] for row in shadows_of(store)] == [None]
    assert store.one("SELECT overhead_usd FROM requests") == {"overhead_usd": None}


def test_the_cost_of_shadows_is_assigned_to_the_requests_they_answer_again_in_any_order() -> None:
    rng = random.Random(5)
    spans: list[list[S]] = []
    truth: Counter[str] = Counter()
    for number in range(1, 31):
        request_id = f"q{number}"
        truth[request_id] += 0
        spans.append(asked(request_id, number))
        for copy in range(rng.choice([0, 0, 1, 2])):
            cents = rng.randint(1, 99)
            truth[request_id] += cents
            trace = number if rng.random() < 0.3 else 1000 + 10 * number + copy
            parent = 1 if trace == number else 0
            of = None if parent and rng.random() < 0.5 else request_id
            spans.append([shadow(50 + copy, of, trace, rng.randint(0, 20 * HOUR_MS), cents / 100, parent)])
    rng.shuffle(spans)
    exports = [[("traces", body(*(span for part in spans[i::4] for span in part)))] for i in range(4)]
    store = loaded(*exports)  # type: ignore[arg-type]
    found = {row["request_id"]: int((row["overhead_usd"] or 0) * 100) for row in store.rows("requests")}
    assert found == dict(truth)
    by_request: Counter[str] = Counter(dict.fromkeys(truth, 0))
    for row in shadows_of(store):
        assert (row["task_type"], row["team"]) == ("sql", "a")
        by_request[row["request_id"]] += int(row["cost_usd"] * 100)
    assert by_request == truth
