"""No order, no splitting and no repetition of what arrives changes what is stored."""

import random
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.ingest import spans as made
from tests.ingest.loading import Body, Loaded, capture, loaded
from tests.ingest.spans import S, call, route
from tests.ingest.test_captures import TRUTHS

RUNS = sorted(run for run, truth in TRUTHS.items() if truth["requests"])
pytestmark = pytest.mark.no_cover
TABLES = ("spans", "requests", "attempts", "evaluations")
slow = settings(max_examples=6, phases=[Phase.generate])  # shrinking would take an hour and show no more


def single_spans(bodies: list[Body]) -> list[Body]:
    """Each span in a body of its own; other signals as they are."""
    result: list[Body] = []
    for signal, body in bodies:
        result += [(signal, part) for part in _parts(body)] if signal == "traces" else [(signal, body)]
    return result


def _parts(body: bytes) -> list[bytes]:
    parts = []
    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                part = ExportTraceServiceRequest()
                outer = part.resource_spans.add(resource=resource_spans.resource, schema_url=resource_spans.schema_url)
                outer.scope_spans.add(scope=scope_spans.scope, schema_url=scope_spans.schema_url, spans=[span])
                parts.append(part.SerializeToString())
    return parts


def everything(store: Loaded) -> dict[str, list[dict[str, Any]]]:
    return {table: store.rows(table) for table in TABLES}


def answered_again(number: int) -> list[S]:
    """A request of two calls at the same time, answered again by shadows: within it, and in two traces of their own."""
    trace, request_id = 900 + 10 * number, f"order-{number}"
    inside: dict[str, Any] = {"controlsurface.purpose": "shadow"}
    again: dict[str, Any] = {"controlsurface.purpose": "shadow", "controlsurface.shadow.of": request_id}
    late: dict[str, Any] = {"controlsurface.cost_usd": 0.25, "controlsurface.answer.label": "yes"}
    return [
        route(1, trace=trace, request_id=request_id, task_type="sql", cache__hit=True, cache__kind="component"),
        call(2, 1, trace=trace),
        call(3, 1, model="gpt-large", trace=trace, at=95),
        call(4, 1, model="gpt-large", trace=trace, **inside),
        call(5, model="gpt-large", trace=trace + 1, at=7_200_000 * number, **again, **late),
        route(6, trace=trace + 2),
        call(7, 6, model="gpt-5", trace=trace + 2, at=-900_000, **again),
    ]


@cache
def bodies() -> list[Body]:
    """All captured runs, and requests that shadows in other traces answer again."""
    captured = [sent for run in RUNS for sent in capture(run)]
    return [*captured, *(("traces", made.body(*answered_again(number))) for number in range(4))]


@cache
def parts() -> list[Body]:
    """The same, each span in a body of its own."""
    return single_spans(bodies())


@cache
def whole() -> dict[str, list[dict[str, Any]]]:
    """What they come to, sent as they were."""
    return everything(loaded(bodies()))


@given(st.integers(0, 2**32), st.integers(1, 6))
@slow
def test_any_permutation_and_splitting_gives_the_same_rows(seed: int, batches: int) -> None:
    mixed = random.Random(seed).sample(parts(), len(parts()))
    assert everything(loaded(*(mixed[i::batches] for i in range(batches)))) == whole()


@pytest.mark.parametrize("run", ["litellmproxyv2-1.106.2-autorouter", "vllm_sr-3d48f8c9-synthetic"])
def test_one_span_at_a_time_from_last_to_first_gives_the_same_rows(run: str) -> None:
    assert everything(loaded(*([part] for part in reversed(single_spans(capture(run)))))) == everything(
        loaded(capture(run))
    )


def test_sending_everything_again_changes_nothing() -> None:
    store = loaded(bodies())
    outcome = store.load(bodies())
    assert everything(store) == whole()
    assert outcome.inserted == 0
    assert outcome.duplicate >= len(whole()["spans"])


@given(st.integers(0, 2**32))
@slow
def test_copies_that_say_less_take_nothing_away(seed: int) -> None:
    rng = random.Random(seed)
    copies = [(signal, poorer(body, rng)) for signal, body in parts() if signal == "traces"]
    mixed = rng.sample([*parts(), *copies], len(parts()) + len(copies))
    one = loaded(mixed)
    other = loaded(mixed[::-2], mixed[-2::-2])
    assert everything(one) == everything(other)
    assert one.rows("requests") == whole()["requests"]


def poorer(body: bytes, rng: random.Random) -> bytes:
    """A copy of a one-span body that lacks some attributes, and perhaps its status."""
    copy = ExportTraceServiceRequest.FromString(body)
    span = copy.resource_spans[0].scope_spans[0].spans[0]
    kept = [attribute for attribute in span.attributes if rng.random() < 0.5]
    del span.attributes[:]
    span.attributes.extend(kept)
    if rng.random() < 0.5:
        span.ClearField("status")
    return copy.SerializeToString()
