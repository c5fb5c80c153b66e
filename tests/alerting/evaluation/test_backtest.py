"""A replay finds what a live evaluation would have found, at every moment."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import orjson
import pytest

from controlsurface.alerting.backtest import BacktestArgs, BacktestQuery, replay_rules, split_moments
from controlsurface.alerting.evaluation.alert_state_machine import ActiveAlerts
from controlsurface.alerting.evaluation.evaluator import EvaluationContext, fetch_inputs
from controlsurface.alerting.evaluation.rule_engine import evaluate_alerts
from controlsurface.client import LocalClient
from controlsurface.errors import BadRequest
from controlsurface.metrics.queries.replay_query import ReplayMoments
from controlsurface.store.duckdb import DuckStore
from tests.alerting.rule_sets import NOW, high_failure_rule, rule_set, traffic
from tests.seed import seed

STEP = timedelta(minutes=20)
MOMENTS = ReplayMoments(NOW - 9 * STEP, NOW, STEP)
RULES = (
    rule_set(
        {"alert": "Sum", "metric": "requests", "over": "40m", "above": 40},
        {
            "alert": "Ratio",
            "metric": "escalation_rate",
            "by": ["task_type"],
            "over": "2h",
            "above": 0.4,
            "min_count": 5,
        },
        {"alert": "Sure", "metric": "escalation_rate", "over": "2h", "above": 0.1, "judge": "interval", "for": "40m"},
        {"alert": "Unaligned", "metric": "gate_failure_rate", "by": ["lane"], "over": "50m", "above": 0.05},
        {
            "alert": "Quantile",
            "metric": "latency_p95",
            "by": ["lane"],
            "over": "1h",
            "above": 3000,
            "keep_firing_for": "1h",
        },
        {"alert": "Keys", "metric": "escalation_rate_session", "over": "2h", "above": 0.3},
        {"alert": "Money", "metric": "cost", "by": ["team"], "where": {"lane": "large"}, "over": "1h", "above": 0.01},
        {
            "alert": "Before",
            "metric": "requests",
            "by": ["lane"],
            "over": "1h",
            "above": {"offset": "1h", "times": 1.2},
        },
        {"alert": "Silent", "metric": "requests", "by": ["tenant"], "over": "20m", "below": 1, "no_data": "alert"},
    )
    .groups[0]
    .group.rules
)


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    seed(made, n=700, days=0.5, end=NOW)
    yield made
    made.close()


def test_a_replay_equals_live_evaluations(store: DuckStore) -> None:
    live: dict[str, ActiveAlerts] = {}
    fired: set[str] = set()
    for moment in replay_rules(RULES, EvaluationContext(store), MOMENTS):
        seen = fetch_inputs(RULES, EvaluationContext(store), ReplayMoments(moment.at, moment.at, STEP))
        found = evaluate_alerts(seen, live, moment.at)
        live |= found.active
        assert found.errors == moment.found.errors == dict.fromkeys(live)
        assert states(live) == states(moment.active)
        fired |= {rule for rule, active in live.items() if active}
    assert fired == {rule.alert for rule in RULES}


def states(active: Mapping[str, ActiveAlerts]) -> dict[object, object]:
    """Everything that may be seen of alerts; figures as far as sums in another order allow."""
    return {
        (rule, key): (
            alert.state,
            alert.active_at,
            alert.keep_firing_since,
            alert.reading.n,
            round(alert.reading.value or 0, 9),
        )
        for rule, alerts in active.items()
        for key, alert in alerts.items()
    }


def test_replay_moments_are_split_into_pieces() -> None:
    long = ReplayMoments(NOW, NOW + 2000 * STEP, STEP)
    pieces = list(split_moments(long))
    assert sum((each.last - each.first) // STEP + 1 for each in pieces) == 2001
    assert pieces[1].first == pieces[0].last + STEP


def run_backtest(store: DuckStore, rule: dict[str, object]) -> list[dict[str, object]]:
    args = BacktestArgs(definition=orjson.dumps(rule).decode(), start=NOW - 3 * STEP, end=NOW, every=STEP / 4)
    rows: list[dict[str, object]] = LocalClient(store).run(BacktestQuery(args)).rows.to_pylist()
    return rows


def test_a_backtest_says_from_when_until_when_a_rule_would_have_fired() -> None:
    store = DuckStore.in_memory()
    traffic(store, NOW - 2 * STEP, failed=3)
    (row,) = run_backtest(store, high_failure_rule(over="20m"))
    store.close()
    assert (row["labels"], row["value"], row["n"]) == ('{"alertname":"High","lane":"small"}', 1.0, 3)
    assert (row["since"], row["until"]) == (NOW - 2 * STEP + STEP / 4, None)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"alert": "Lag", "gauge": "ingest_lag_seconds", "above": 1}, "nothing can be replayed"),
        ({"alert": "Typo", "metric": "error_rat", "above": 1}, "did you mean 'error_rate'"),
    ],
)
def test_a_rule_that_cannot_be_replayed_is_refused(store: DuckStore, rule: dict[str, object], problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        run_backtest(store, rule)
