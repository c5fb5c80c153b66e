"""The simulated router's scenarios, as rows in a store: a steady one raises nothing, a drifting one is found."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np
import pyarrow as pa
import pytest

from controlsurface.alerting.detectors.drift.drift_engine import replay_drift_rule
from controlsurface.demo import demo_company
from controlsurface.demo.demo_company import DemoSettings
from controlsurface.demo.outcomes import DecidedRequest, decide_requests
from controlsurface.demo.random_draws import draw_arrivals
from controlsurface.demo.router_simulation import SECOND_NS, _rhythm
from controlsurface.store.duckdb import DuckStore
from tests.alerting.detectors.drift_traffic import START_S, datetime_of_day, drift_rule, insert_rows

pytestmark = pytest.mark.no_cover
A_DAY, LEARNT, WATCHED = 500.0, 28, 28


@contextmanager
def simulated(scenario: str) -> Iterator[DuckStore]:
    """Eight weeks of requests; the event, if any, is after four."""
    settings = DemoSettings(7, scenario, rate=A_DAY / 86_400, event_at=datetime_of_day(LEARNT))
    rows = [row for hour in range((LEARNT + WATCHED) * 24) for row in _hour(settings, hour)]
    with closing(DuckStore.in_memory()) as store:
        insert_rows(
            store,
            {
                "started_at": pa.array([row.at_ns // 1000 for row in rows], pa.timestamp("us")),
                "task_type": [demo_company.TASKS[row.task].name for row in rows],
                "escalated": [bool(row.reason) for row in rows],
                "lane": ["large" if row.reason else "small" for row in rows],
                "confidence": [row.confidence for row in rows],
                "threshold": [row.threshold for row in rows],
                "output_tokens": [row.large_output_tokens if row.reason else row.output_tokens for row in rows],
                "sample_weight": np.ones(len(rows)),
            },
        )
        yield store


def _hour(settings: DemoSettings, hour: int) -> Iterator[DecidedRequest]:
    start_ns = (START_S + hour * 3600) * SECOND_NS
    random = np.random.default_rng([settings.seed, hour])
    expected = settings.rate * 3600 * _rhythm(start_ns)
    return decide_requests(draw_arrivals(random, start_ns, 3600 * SECOND_NS, expected), settings)


@pytest.fixture(scope="module")
def steady() -> Iterator[DuckStore]:
    with simulated("steady") as store:
        yield store


@pytest.mark.parametrize(
    ("metric", "by"),
    [("escalation_rate", ["task_type"]), ("output_tokens_per_request", [])],
)
def test_drift_rules_raise_nothing_in_four_steady_weeks(steady: DuckStore, metric: str, by: list[str]) -> None:
    steps = list(
        replay_drift_rule(
            steady, drift_rule(metric=metric, by=by), datetime_of_day(LEARNT), datetime_of_day(LEARNT + WATCHED)
        )
    )
    assert [found.slice for _, readings in steps for found in readings if found.breach] == []
    assert all(found.breach is False for found in steps[-1][1])


def test_drift_of_answers_that_grow_by_one_percent_a_day_is_found() -> None:
    with simulated("drift") as store:
        grown = drift_rule(metric="output_tokens_per_request", by=[])
        told = [
            (at, found)
            for at, (found,) in replay_drift_rule(store, grown, datetime_of_day(LEARNT), datetime_of_day(LEARNT + 21))
            if found.breach
        ]
    at, first = told[0]
    assert datetime_of_day(LEARNT + 3) < at < datetime_of_day(LEARNT + 21)
    assert first.evidence["column"] == "output_tokens"
    assert first.evidence["psi"] > 0.1
    assert first.evidence["w1"] > 5  # tokens
