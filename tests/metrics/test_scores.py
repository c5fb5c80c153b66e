"""Evaluations are counted once each, beside the call or request that their span is."""

from math import isclose
from statistics import fmean

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

TRACE = f"{1:032x}"


def test_every_evaluation_is_counted_once(reader: LocalClient, store: DuckStore) -> None:
    known = store.state("SELECT score FROM evaluations WHERE score IS NOT NULL")["score"].to_pylist()
    (count,) = reader.run(MetricQuery(MetricArgs(metric="evaluations"))).rows.to_pylist()
    (mean,) = reader.run(MetricQuery(MetricArgs(metric="evaluation_score"))).rows.to_pylist()
    assert count["n"] == store.state("SELECT count(*) AS n FROM evaluations")["n"][0].as_py()
    assert mean["n"] == len(known)
    assert isclose(mean["value"], fmean(each for each in known if each is not None))


def test_an_evaluation_belongs_to_the_call_or_the_request_of_its_span() -> None:
    store = DuckStore.in_memory()
    put(store, [{"span_id": 1, "task_type": "sql"}])
    put(store, [{"span_id": 2, "task_type": "code", "model": "m"}], "attempts")
    with store.writing() as writing:
        for span, label in ((1, "pass"), (2, "fail"), (3, "good")):
            values = f"('{span}', '{TRACE}', {span}, 'faithful', {span / 10}, '{label}')"
            writing.execute(
                f"INSERT INTO evaluations (evaluation_id, trace_id, span_id, name, score, label) VALUES {values}"
            )
    reader = LocalClient(store)
    scores = reader.run(MetricQuery(MetricArgs(metric="evaluation_score", by=["task_type", "model"]))).rows.to_pylist()
    passed = reader.run(MetricQuery(MetricArgs(metric="evaluation_pass_rate", by=["task_type"]))).rows.to_pylist()
    assert [(row["task_type"], row["model"], row["value"]) for row in scores] == [
        ("code", "m", 0.2),
        ("sql", None, 0.1),
        (None, None, 0.3),
    ]
    assert [(row["task_type"], row["value"]) for row in passed] == [("code", 0.0), ("sql", 1.0), (None, None)]
    store.close()
