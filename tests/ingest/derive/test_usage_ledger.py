"""The ledger of usage closes: every span with tokens or a cost is counted, explained or unexplained, once."""

from itertools import zip_longest
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from controlsurface.client.local_client import LocalClient
from controlsurface.client.queries.ingest_queries import UsageLedgerQuery
from controlsurface.query.arguments import TimeRange
from tests.example_batches import check_together
from tests.ingest.derive.test_tokens import LAWS
from tests.ingest.loading import CONVENTIONS, Loaded, loaded
from tests.ingest.spans import S, Value, apart, body, call

INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "acme.prompt_tokens")
OUTPUT = ("gen_ai.usage.output_tokens", "llm.token_count.completion", "acme.usage.completion_tokens")
COST = ("gen_ai.usage.cost", "llm.cost.total", "controlsurface.cost_usd")
TOTAL = ("gen_ai.usage.total_tokens", "acme.totalTokens")
WORDS = ("chat", "invoke_agent", "execute_tool", "embeddings", "generate_content", "quux", "rerank")
FACTS: dict[str, st.SearchStrategy[Value]] = {
    "gen_ai.operation.name": st.sampled_from(WORDS),
    "openinference.span.kind": st.sampled_from(["LLM", "AGENT", "CHAIN", "TOOL"]),
    "gen_ai.request.model": st.sampled_from(["slm-7b", "gpt-large"]),
    "acme.model_name": st.just("slm-7b"),
    "gen_ai.response.id": st.sampled_from(["r1", "r2"]),
    "controlsurface.router.name": st.just("r"),
    "controlsurface.purpose": st.sampled_from(["user", "shadow"]),
    "controlsurface.cache.hit": st.booleans(),
    "random.thing": st.text(max_size=5),
}
OTHERS = st.lists(st.sampled_from(sorted(FACTS)), max_size=5, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: FACTS[name] for name in names})
)
TOKENS, DOLLARS = st.sampled_from([0, 1, 10, 20, 30, 1000]), st.sampled_from([0.0, 0.5, 2.0])


def amount(names: tuple[str, ...], amounts: st.SearchStrategy[Value]) -> st.SearchStrategy[dict[str, Value]]:
    """One amount under one of its names, or none."""
    return st.one_of(st.just({}), st.tuples(st.sampled_from(names), amounts).map(lambda pair: {pair[0]: pair[1]}))


ATTRIBUTES = st.tuples(
    OTHERS, amount(INPUT, TOKENS), amount(OUTPUT, TOKENS), amount(TOTAL, TOKENS), amount(COST, DOLLARS)
).map(lambda parts: {name: said for part in parts for name, said in part.items()})


@st.composite
def trees(draw: st.DrawFn) -> list[S]:
    """A few traces; every span is a root or lies below an earlier one of its trace."""
    spans: list[S] = []
    for own in range(1, draw(st.integers(1, 12)) + 1):
        trace = draw(st.integers(1, 3))
        above = [each.own for each in spans if each.trace == trace]
        parent = draw(st.sampled_from([0, *above]))
        spans.append(S(own, parent, draw(ATTRIBUTES), own, own + 5, draw(st.booleans()), trace=trace))
    return spans


def carries(span: S) -> bool:
    """Whether a span says how much was used: two zeros say nothing."""
    return any(
        isinstance(said := span.attributes.get(name, 0), int | float) and said > 0
        for name in (*INPUT, *OUTPUT, *COST, *TOTAL)
    )


def ledger(store: Loaded) -> list[dict[str, Any]]:
    return LocalClient(store.store).run(UsageLedgerQuery()).rows.to_pylist()


def load(store: Loaded, spans: list[S]) -> None:
    if spans:
        store.load([("traces", body(*spans))])


@st.composite
def parted(draw: st.DrawFn) -> tuple[list[S], list[S]]:
    """A tree in any order, of which some comes first and the rest comes later."""
    spans = draw(trees())
    cut, shuffled = draw(st.integers(0, len(spans))), draw(st.permutations(spans))
    return list(shuffled[:cut]), list(shuffled[cut:])


def test_every_span_with_usage_is_counted_explained_or_unexplained_once_in_any_order() -> None:
    check_together(parted(), each_span_is_in_one_entry)


def each_span_is_in_one_entry(examples: list[tuple[list[S], list[S]]]) -> None:
    store = Loaded()
    parts = [[span for n, each in enumerate(examples) for span in apart(n, each[part])] for part in (0, 1)]
    for part in parts:
        load(store, part)
    counted = [(str(row["trace_id"]), row["span_id"]) for row in store.rows("attempts") if row["has_usage"]]
    left = [(str(row["trace_id"]), row["span_id"]) for row in store.rows("uncounted_usage")]
    carrying = [(str(UUID(int=span.trace)), span.own) for span in (*parts[0], *parts[1]) if carries(span)]
    assert sorted(counted + left) == sorted(carrying)
    assert sum(row["spans"] for row in ledger(store)) == len(carrying)
    store.store.close()


def test_counted_usage_is_the_same_in_any_order() -> None:
    check_together(trees(), spans_from_last_to_first_come_to_the_same)


def spans_from_last_to_first_come_to_the_same(examples: list[list[S]]) -> None:
    forward, backward = Loaded(), Loaded()
    own = [apart(n, spans) for n, spans in enumerate(examples)]
    load(forward, [span for spans in own for span in spans])
    for single in zip_longest(*(reversed(spans) for spans in own)):  # one span of each example at a time
        load(backward, [span for span in single if span])
    for table in ("attempts", "uncounted_usage"):
        assert forward.rows(table) == backward.rows(table)
    forward.store.close()
    backward.store.close()


def test_the_ledger_has_tokens_and_cost_of_each_entry_and_traces_of_what_is_unexplained() -> None:
    said: dict[str, Value] = {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3, "gen_ai.usage.cost": 0.5}
    agent: dict[str, Value] = {"gen_ai.request.model": "slm-7b", "gen_ai.usage.input_tokens": 10}
    rows = ledger(loaded([("traces", body(S(1, attributes=agent), call(2, 1), S(3, attributes=said, trace=2)))]))
    assert [(row["entry"], row["reason"], row["spans"], row["input_tokens"], row["output_tokens"]) for row in rows] == [
        ("counted", "call", 1, 10, 5),
        ("explained", "wrapper", 1, 10, None),
        ("unexplained", "no_model", 1, 7, 3),
    ]
    assert [(row["cost_usd"], row["trace_ids"]) for row in rows][2] == (0.5, [f"{2:032x}"])


def test_the_ledger_of_a_window_is_of_spans_that_began_in_it() -> None:
    store = loaded([("traces", body(call(1)))])
    asked = LocalClient(store.store).run(UsageLedgerQuery(TimeRange.model_validate({"start": "2199-01-01T00:00:00Z"})))
    assert asked.rows.num_rows == 0


NAMES = st.one_of(
    st.sampled_from(sorted(key for key in CONVENTIONS.wanted if not key.startswith(("resource.", "event.", "scope.")))),
    st.text(min_size=1, max_size=12),
    st.sampled_from(["input", "output", "prompt", "cached", "reasoning", "total"]).map(lambda part: f"x.{part}_tokens"),
)
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.integers(-2, 10**18),
    st.integers(0, 500),
    st.floats(),
    st.booleans(),
    st.text(max_size=8),
    st.sampled_from(
        ["chat", "LLM", "AGENT", "12", '{"input": 5, "output_tokens": "7"}', '{"usage": {"total": 9}}', "[1]"]
    ),
)


def test_the_ledger_closes_and_tokens_obey_their_laws_under_any_names_and_values() -> None:
    check_together(st.lists(st.dictionaries(NAMES, VALUES, max_size=12), min_size=1, max_size=30), the_ledger_closes)


def the_ledger_closes(examples: list[list[dict[str, Value]]]) -> None:
    spans = [
        S(n, n // 2, each, n, n + 9, trace=trace)
        for trace, said in enumerate(examples, 1)
        for n, each in enumerate(said, 1)
    ]
    store = loaded([("traces", body(*spans))])
    carrying = store.rows(
        "(SELECT trace_id, span_id FROM spans WHERE carries_usage(input_tokens, output_tokens, total_tokens, cost_usd))"
    )
    counted = store.rows(
        "(SELECT trace_id, span_id FROM attempts WHERE has_usage"
        " UNION ALL SELECT trace_id, span_id FROM uncounted_usage)"
    )
    assert len(store.rows("spans")) == len(spans)
    assert counted == carrying
    assert store.rows(f"(SELECT attempt_id FROM attempts WHERE NOT ({LAWS}))") == []
    store.store.close()
