"""No order, no splitting and no repetition of what arrives changes what is stored."""

import random
from collections import defaultdict
from dataclasses import replace
from functools import cache
from itertools import permutations, zip_longest
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from controlsurface.ingest.wire.otlp_request import Signal
from tests.ingest import spans as made
from tests.ingest.loading import Body, Loaded, capture, loaded
from tests.ingest.spans import S, call, route
from tests.ingest.test_captures import TRUTHS

RUNS = sorted(run for run, truth in TRUTHS.items() if truth["requests"])
pytestmark = pytest.mark.no_cover
TABLES = ("spans", "requests", "attempts", "evaluations")
COPIES = 6  # each in an order and in parts of its own: a derivation takes as long for one as for all


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
def captured() -> list[Body]:
    return [sent for run in RUNS for sent in capture(run)]


def shadowed(copy: int) -> list[Body]:
    """Requests that shadows in other traces answer again; those of another copy have other ids."""
    return [("traces", made.body(*answered_again(number))) for number in range(4 * copy, 4 * copy + 4)]


@cache
def bodies() -> list[Body]:
    """All captured runs, and requests that shadows in other traces answer again."""
    return [*captured(), *shadowed(0)]


@cache
def parts() -> list[Body]:
    """The same, each span in a body of its own."""
    return single_spans(bodies())


@cache
def whole() -> dict[str, list[dict[str, Any]]]:
    """What they come to, sent as they were."""
    return everything(loaded(bodies()))


@cache
def copies() -> list[list[Body]]:
    """The same several times, span by span, in traces that no other copy has."""
    return [
        single_spans([*((signal, copied(signal, sent, copy)) for signal, sent in captured()), *shadowed(copy)])
        for copy in range(COPIES)
    ]


@cache
def whole_copies() -> dict[str, list[dict[str, Any]]]:
    """What all copies come to, sent at once."""
    return everything(loaded([part for copy in copies() for part in copy]))


def copied(signal: Signal, sent: bytes, copy: int) -> bytes:
    """A body whose traces, requests, answers and sessions have other ids."""
    request = (ExportLogsServiceRequest if signal == "logs" else ExportTraceServiceRequest).FromString(sent)
    for each in members(request):
        if len(each.trace_id) == 16 and any(each.trace_id):
            each.trace_id = (int.from_bytes(each.trace_id, "big") ^ copy << 96).to_bytes(16, "big")
        for attribute in each.attributes:
            if attribute.key.lower().endswith("id") and attribute.value.string_value:
                attribute.value.string_value += f"-{copy}"
    return request.SerializeToString()


def members(request: ExportLogsServiceRequest | ExportTraceServiceRequest) -> list[Any]:
    """The spans or log records of a request."""
    if isinstance(request, ExportLogsServiceRequest):
        return [each for outer in request.resource_logs for scope in outer.scope_logs for each in scope.log_records]
    return [each for outer in request.resource_spans for scope in outer.scope_spans for each in scope.spans]


def test_copies_have_nothing_to_do_with_each_other() -> None:
    assert {table: len(rows) for table, rows in whole_copies().items()} == {
        table: COPIES * len(rows) for table, rows in whole().items()
    }


def test_stored_rows_do_not_depend_on_the_order_and_splitting_of_spans() -> None:
    rng, batches = random.Random(1), defaultdict[int, list[Body]](list)
    for splits, copy in enumerate(copies(), 1):
        for place, part in enumerate(rng.sample(copy, len(copy))):
            batches[place % splits].append(part)
    assert everything(loaded(*batches.values())) == whole_copies()


def test_spans_loaded_one_at_a_time_from_last_to_first_give_the_same_rows() -> None:
    """Of every captured trace at once, each of which gets its spans one by one."""
    of_trace = defaultdict[bytes, list[Body]](list)
    for signal, part in reversed(single_spans(captured())):
        of_trace[_trace_of(signal, part)].append((signal, part))
    singles = [[part for part in each if part] for each in zip_longest(*of_trace.values())]
    assert everything(loaded(*singles)) == everything(loaded(captured()))


def _trace_of(signal: Signal, part: bytes) -> bytes:
    """The trace of a one-span body; log records are loaded as they were sent."""
    return (
        b""
        if signal == "logs"
        else ExportTraceServiceRequest.FromString(part).resource_spans[0].scope_spans[0].spans[0].trace_id
    )


def test_spans_sent_again_change_nothing() -> None:
    store = loaded(bodies())
    outcome = store.load(bodies())
    assert everything(store) == whole()
    assert outcome.inserted == 0
    assert outcome.duplicate >= len(whole()["spans"])


def test_copies_of_a_span_that_say_less_take_nothing_away() -> None:
    rng = random.Random(1)
    full = [part for copy in copies() for part in copy]
    less = [(signal, poorer(body, rng)) for signal, body in full if signal == "traces"]
    mixed = rng.sample([*full, *less], len(full) + len(less))
    one = loaded(mixed)
    other = loaded(mixed[::-2], mixed[-2::-2])
    assert everything(one) == everything(other)
    assert one.rows("requests") == whole_copies()["requests"]


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


def test_a_request_told_in_two_traces_has_the_same_answer_in_any_order() -> None:
    shadow: dict[str, Any] = {"controlsurface.purpose": "shadow", "controlsurface.shadow.of": "r"}
    sent: list[Body] = [
        ("traces", made.body(route(1, request_id="r"), call(2, 1), call(3, 1, model="gpt-5"))),
        (
            "traces",
            made.body(*(replace(each, trace=2) for each in (route(1, request_id="r"), call(2, 1, "gpt-large")))),
        ),
        ("traces", made.body(call(9, model="gpt-5", trace=3, **shadow))),
    ]
    stored = [everything(loaded(*([each] for each in order))) for order in permutations(sent)]
    assert stored == [everything(loaded(sent))] * len(stored)
