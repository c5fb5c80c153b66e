"""What runs by itself stays within memory and time, however many values there are: roll-ups, drift, alerts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlsurface.alerting.delivery.outbox import enqueue_alerts
from controlsurface.alerting.delivery.suppression import (
    InhibitionIndex,
    InhibitionRule,
    is_explained_by_parent,
)
from controlsurface.alerting.detector_registry import create_detectors
from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_engine import RuleEngine
from controlsurface.alerting.model import AlertSnapshot, Episode
from controlsurface.alerting.rules.rule_loader import configured_rule_paths
from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.config import Config
from controlsurface.config.label_matchers import parse_matcher
from controlsurface.config.query_limits import MIB
from controlsurface.maintenance import rollup_worker
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.limits.wide import fill

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)


@pytest.fixture
def tight(tmp_path: Path) -> DuckStore:
    """A store whose roll-ups of a day do not fit into its memory."""
    store = DuckStore.open(tmp_path, memory_bytes=64 * MIB)
    fill(store, 24_000, NOW, hours=3)
    return store


@pytest.mark.slow
def test_roll_ups_that_do_not_fit_into_memory_are_made_by_the_hour(tight: DuckStore) -> None:
    reader = LocalClient(tight)
    before = reader.run(MetricQuery(MetricArgs(metric="requests"))).rows
    assert rollup_worker.rebuild_rollups(tight) > 0
    assert not tight.state("SELECT * FROM rollup_dirty").num_rows
    assert reader.run(MetricQuery(MetricArgs(metric="requests"))).rows == before
    tight.close()


def test_a_drift_rule_follows_the_largest_streams_and_says_how_many_it_leaves_out() -> None:
    store = DuckStore.in_memory()
    fill(store, 3_000, NOW, most=40)
    engine = RuleEngine(
        store, EvaluationContext(store, detectors=create_detectors(store, max_streams=10)), enqueue_alerts, NOW
    )
    engine.put_in_force(configured_rule_paths(Config(), ()).load(), NOW)
    engine.tick(NOW)
    notes = store.state("SELECT rule, note FROM alert_rules WHERE note IS NOT NULL").to_pylist()
    assert "EscalationRateDrift" in {row["rule"] for row in notes}
    assert all(row["note"].endswith("limits.streams is 10") for row in notes)
    streams = store.state("SELECT count(DISTINCT slice) AS n FROM drift_streams WHERE rule = 'EscalationRateDrift'")
    assert streams["n"][0].as_py() <= 10
    store.close()


def episode(number: int, labels: dict[str, str], where: Sequence[str], value: float, fires: bool) -> Episode:
    facts = AlertSnapshot(rule="r", metric="escalation_rate", unit="ratio", where=tuple(where), value=value, before=0.2)
    return Episode(str(number), labels, NOW, None if fires else NOW, facts)


EPISODES = st.lists(
    st.builds(
        lambda lane, task, wide, value, fires: (
            {"lane": lane, "task": task},
            [f"task:{task}"] if wide else [f"task:{task}", f"lane:{lane}"],
            value,
            fires,
        ),
        st.sampled_from("ab"),
        st.sampled_from("xyz"),
        st.booleans(),
        st.sampled_from([0.1, 0.3, 0.5]),
        st.booleans(),
    ),
    max_size=12,
)
RULES = [
    InhibitionRule((parse_matcher('lane="a"'),), (parse_matcher('lane="b"'),), ("task",)),
    InhibitionRule((parse_matcher('task="x"'),), (parse_matcher('task=~"x|y"'),)),
]


@given(EPISODES)
@settings(max_examples=60, deadline=None)
def test_an_inhibition_source_is_the_first_that_a_search_through_all_finds(
    drawn: list[tuple[dict[str, str], list[str], float, bool]],
) -> None:
    among = [episode(i, *each) for i, each in enumerate(drawn)]
    for target in among:
        assert InhibitionIndex(among, RULES).of(target) == _searched(target, among)


def _searched(target: Episode, among: Sequence[Episode]) -> Episode | None:
    for source in among:
        if source.fires and source.key != target.key:
            if any(rule.inhibits(source.labels, target.labels) for rule in RULES):
                return source
            if is_explained_by_parent(target.facts, source.facts):
                return source
    return None


def test_inhibition_sources_of_thousands_of_alerts_are_found_without_comparing_all_pairs() -> None:
    among = [episode(i, {"task": f"t{i}"}, [f"task:t{i}"], 0.5, True) for i in range(3_000)]
    began = process_time()
    sources = InhibitionIndex(among, RULES)
    assert [sources.of(each) for each in among] == [None] * len(among)
    assert process_time() - began < 1.5  # each with each took 20 s
