"""A preview says when a rule had fired, how often by chance and how soon a change is found, or that it cannot."""

from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from scipy import stats

from controlsurface.alerting.backtest import BacktestArgs, BacktestQuery
from controlsurface.alerting.rule_preview import PreviewArgs, RulePreviewQuery, poisson_interval
from controlsurface.client.local_client import LocalClient
from controlsurface.store.duckdb import DuckStore

END = datetime(2026, 1, 15, tzinfo=UTC)
DAY = timedelta(days=1)


def steady(store: DuckStore, days: int, every_s: int) -> LocalClient:
    """A store with requests of which every tenth is escalated, until END."""
    count = int(days * DAY.total_seconds() / every_s)
    with store.writing() as writing:
        writing.execute(
            """INSERT INTO requests BY NAME
            SELECT uuid() AS trace_id, 0 AS span_id, 'r' || i AS request_id, 'chat' AS task_type, 'small' AS lane,
                i % 10 = 0 AS escalated, 1 AS attempts, 0 AS failed_attempts, 1 AS steps, 0 AS retries,
                false AS fell_back, false AS failed, true AS priced, 1.0 AS sample_weight,
                $end::TIMESTAMP - INTERVAL 1 SECOND * (i * $every + 1) AS started_at
            FROM range($count) AS t(i)""",
            {"end": END.replace(tzinfo=None), "every": every_s, "count": count},
        )
    return LocalClient(store)


def previewed(client: LocalClient, rule: str, factor: float = 10, days: int = 7) -> RulePreviewQuery:
    args = PreviewArgs(definition=rule, start=END - days * DAY, end=END, every="15m", factor=factor)
    return RulePreviewQuery(args)


RULE = '{"alert": "A", "metric": "escalation_rate", "over": "1h", "above": 0.3, "min_count": 20}'


def test_a_change_of_known_size_is_found_when_the_window_has_moved_far_enough_into_it() -> None:
    store = DuckStore.in_memory()
    client = steady(store, 10, 60)
    found = client.run(previewed(client, RULE))
    # Odds 1 : 9 times 10 are 10 : 9. The window passes 30 % once x of it is changed: 0.1 + x (0.526 - 0.1) > 0.3.
    share = (0.3 - 0.1) / (10 / 19 - 0.1)
    expected = median([next(m for m in (0.25, 0.5, 0.75, 1) if m > share)])
    assert (found.rows.num_rows, found.facts["detect_hours"]) == (0, expected)
    assert found.facts["found"] == found.facts["onsets"] >= 30
    assert found.facts["windows"] == pytest.approx(7 * 24, abs=2)
    assert (found.facts["alerts_a_month"], found.facts["alerts_low"]) == (0, 0)
    assert found.facts["alerts_high"] == pytest.approx(stats.chi2.ppf(0.975, 2) / 2 * 30 / 7, rel=0.01)
    small = client.run(previewed(client, RULE, factor=1.5))  # to 14 %: below the threshold
    assert (small.facts["detect_hours"], small.facts["found"]) == (None, 0)
    store.close()


def test_a_preview_of_little_traffic_says_that_it_cannot_know() -> None:
    store = DuckStore.in_memory()
    client = steady(store, 10, 600)  # six an hour, of twenty that the rule asks for
    facts = client.run(previewed(client, RULE)).facts
    assert (facts["alerts_a_month"], facts["detect_hours"], facts["windows"]) == (None, None, 0)
    assert "only 0 windows with data" in facts["note"]
    store.close()


def test_the_firings_of_a_preview_are_those_of_a_backtest() -> None:
    store = DuckStore.in_memory()
    client = steady(store, 10, 60)
    query = previewed(client, RULE.replace("0.3", "0.05"))
    told = client.run(query)
    asked = BacktestArgs(**query.arguments.model_dump(exclude={"factor"}))
    assert told.rows == client.run(BacktestQuery(asked)).rows
    assert told.rows.num_rows == 1
    store.close()


@pytest.mark.parametrize("count", [0, 1, 3, 10, 100])
def test_the_interval_of_a_count_is_the_exact_one_within_some_percent(count: int) -> None:
    low, high = poisson_interval(count)
    exact = stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0
    assert low == pytest.approx(exact, rel=0.1, abs=0.02)
    assert high == pytest.approx(stats.chi2.ppf(0.975, 2 * count + 2) / 2, rel=0.01)
