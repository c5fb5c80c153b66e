"""Savings of spans as routers send them, shadows in traces of their own, are those of the answers they tell of."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.metrics.queries.metric_query import MetricArgs
from tests.ingest.loading import Body, loaded
from tests.ingest.spans import S, apart, body, call, route


def sent(seed: int, shadows: float, task: str) -> tuple[list[S], float]:
    """Spans of 300 requests of a task, a third of them a cascade, and what they saved against the large model alone."""
    dice, spans, saved = random.Random(seed), list[S](), 0.0
    for number in range(1, 301):
        tokens = dice.randint(50, 900)
        small, large = tokens * 1e-6, round(tokens * 2e-5 + dice.random() * 1e-3, 9)
        up = dice.random() < 1 / 3
        told: dict[str, Any] = {"gen_ai__usage__input_tokens": tokens, "trace": number}
        spans += [route(1, trace=number, request_id=f"q{number}", task_type=task)]
        spans += [call(2, 1, **told, controlsurface__cost_usd=small)]
        saved += -small if up else large - small
        if up:
            spans += [call(3, 1, "gpt-large", at=20, **told, controlsurface__cost_usd=large)]
        elif dice.random() < shadows:
            again: dict[str, Any] = {"controlsurface__purpose": "shadow", "controlsurface__shadow__of": f"q{number}"}
            told["trace"] = 1000 + number
            spans += [call(1, 0, "gpt-large", at=90, **told, **again, controlsurface__cost_usd=large)]
            saved -= large  # a shadow is paid for, too
    return spans, saved


def batches(spans: list[S], seed: int) -> Iterator[list[Body]]:
    """The same in any order, in seven batches."""
    mixed = random.Random(seed).sample(spans, len(spans))
    return ([("traces", body(*mixed[i::7]))] for i in range(7))


def test_the_saving_of_spans_is_what_was_saved() -> None:
    shares = [1.0, 0.1, 0.0]
    made = [sent(3, shadows, f"sum-{shadows}") for shadows in shares]
    spans = [span for number, (own, _) in enumerate(made) for span in apart(number, own)]
    reader = LocalClient(loaded(*batches(spans, 5)).store)
    rows = reader.run(MetricQuery(MetricArgs(metric="saving_vs_all_large", by=("task_type",)))).rows.to_pylist()
    found = {row["task_type"]: row for row in rows}
    for shadows, (_, saved) in zip(shares, made, strict=True):
        row = found[f"sum-{shadows}"]
        assert row["n"] == 300
        if shadows:
            assert (row["low"] < row["value"] < row["high"]) == (shadows < 1)
        else:
            assert (row["low"], row["high"]) == (None, None)  # what went up does not tell what the rest would have cost
        assert row["value"] == pytest.approx(saved, rel=1e-9 if shadows == 1 else 0.02)
