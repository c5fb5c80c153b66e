"""What a run, a session and a completed task cost: three nights of one job are three runs."""

from collections import defaultdict
from dataclasses import replace
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
from scipy.stats import t as student_t

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.unit_cost_queries import JobRunsQuery, UnitCostsQuery
from controlsurface.collector.ingest_engine import IngestEngine
from controlsurface.money.unit_costs import RunArgs, UnitCostArgs
from tests.ingest.spans import S, call, route
from tests.money.test_price_editions import AT_CHEAP, CHEAP, TOKENS, send, serving

HOUR, DAY = 3_600_000, 86_400_000
NIGHTS = [
    night * DAY + minute * 60_000 for night in range(3) for minute in (0, 30, 59, 119)
]  # pauses of an hour at most


def calls() -> list[S]:
    """Three nights of one job, two runs of another that say which is which, at the same time, and two sessions."""
    job: dict[str, Any] = {"controlsurface__job": "nightly"}
    found = [call(1, trace=100 + n, model="slm", at=at, **TOKENS, **job) for n, at in enumerate(NIGHTS)]
    for n in range(4):
        named: dict[str, Any] = {"controlsurface__job": "named", "controlsurface__job__run": f"run-{n % 2}"}
        found.append(call(1, trace=200 + n, model="slm", at=n * 1000, **TOKENS, **named))
    found += [call(1, trace=300 + n, model="slm", at=n * DAY, **TOKENS, session__id=f"s{n % 2}") for n in range(5)]
    found.append(call(1, trace=400, model="nobody-prices-this", at=2 * DAY, **TOKENS, **job))
    return found


def tasks() -> list[S]:
    """Requests: three that passed the gate, one that did not, one that failed, one that nobody judged."""
    found: list[S] = []
    for n, gate in enumerate(["pass", "pass", "pass", "fail", None, None]):
        told = {} if gate is None else {"controlsurface__quality_gate__passed": gate == "pass"}
        one = call(2, 1, trace=500 + n, model="slm", **TOKENS, **told)
        found += [route(1, trace=500 + n, task_type="sql"), replace(one, error=n == 4)]
    return found


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(tmp_path_factory.mktemp("units"), CHEAP) as engine:
        send(engine, *calls(), *tasks())
        yield engine


def runs(engine: IngestEngine, **more: Any) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in as_dicts(engine.reader().run(JobRunsQuery(RunArgs(**more))).rows):
        found[row["job"]].append(dict(row))
    return found


def units(engine: IngestEngine, **more: Any) -> dict[str | None, dict[str, Any]]:
    rows = as_dicts(engine.reader().run(UnitCostsQuery(UnitCostArgs(**more))).rows)
    return {row["name"]: dict(row) for row in rows}


def test_three_nights_of_one_job_are_three_runs(engine: IngestEngine) -> None:
    found = runs(engine)["nightly"]
    assert [(row["calls"], row["cost_usd"], row["run"]) for row in found] == [
        *[(5, 4 * AT_CHEAP, None)],
        *[(4, 4 * AT_CHEAP, None)] * 2,
    ]
    assert [row["priced_share"] for row in found] == [0.8, 1, 1]


def test_a_run_that_senders_name_is_one_whatever_the_pauses(engine: IngestEngine) -> None:
    found = runs(engine, gap="1s")["named"]
    assert sorted((row["run"], row["calls"], row["cost_usd"]) for row in found) == [
        ("run-0", 2, 2 * AT_CHEAP),
        ("run-1", 2, 2 * AT_CHEAP),
    ]


@pytest.mark.parametrize(("gap", "expected"), [("59m", 6), ("1h", 3), ("21h", 3), ("23h", 1)])
def test_pauses_longer_than_the_gap_part_runs(engine: IngestEngine, gap: str, expected: int) -> None:
    row = units(engine, per="run", gap=gap)["nightly"]
    assert (row["units"], row["calls"], row["cost_usd"]) == (expected, 13, 12 * AT_CHEAP)
    assert row["cost_per_unit"] == pytest.approx(float(12 * AT_CHEAP) / expected)


def test_a_run_at_the_edge_of_the_window_is_said_to_be_cut(engine: IngestEngine) -> None:
    (first,) = engine.store.state("SELECT min(started_at) AS at FROM attempts WHERE job = 'nightly'")["at"].to_pylist()
    found = runs(engine, start=first)["nightly"]
    assert [row["cut"] for row in found] == [False, False, True]


def test_costs_per_session_add_up_to_the_calls(engine: IngestEngine) -> None:
    row = units(engine, per="session")[None]
    assert (row["units"], row["cost_usd"]) == (2, 5 * AT_CHEAP)
    assert (row["least_usd"], row["most_usd"], row["low"]) == (2 * AT_CHEAP, 3 * AT_CHEAP, None)


def test_completed_tasks_pay_for_those_that_were_not(engine: IngestEngine) -> None:
    row = units(engine, per="task")["sql"]
    assert (row["units"], row["known"], row["done"], row["cut"]) == (6, 5, 3, 1)
    assert row["cost_per_unit"] == pytest.approx(float(5 * AT_CHEAP) / 3)


def test_an_evaluation_that_nobody_sent_completes_no_task(engine: IngestEngine) -> None:
    row = units(engine, per="task", evaluation="never-heard-of")["sql"]
    assert (row["known"], row["done"], row["cut"], row["cost_per_unit"]) == (1, 0, 5, None)


def test_the_interval_of_a_mean_is_that_of_the_text_book(tmp_path: Path) -> None:
    with serving(tmp_path, CHEAP) as engine:
        usage = {"gen_ai__usage__output_tokens": 0}
        tokens: list[dict[str, Any]] = [usage | {"gen_ai__usage__input_tokens": 1000 * n} for n in range(1, 41)]
        send(engine, *(call(1, trace=n, model="slm", session__id=str(n), **said) for n, said in enumerate(tokens, 1)))
        row = units(engine, per="session")[None]
    costs = [(n + 1) / 1000 for n in range(40)]
    spread = student_t.ppf(0.975, 39) * stdev(costs) / sqrt(40)
    assert (row["low"], row["high"]) == pytest.approx((mean(costs) - spread, mean(costs) + spread), rel=1e-4)
