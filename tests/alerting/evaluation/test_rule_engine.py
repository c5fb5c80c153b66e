"""Rules over stored traffic: judged together, stored with their notifications, found again after a restart."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from controlsurface.alerting.evaluation import alert_store
from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_engine import REFRESH_INTERVAL_MIN, RuleEngine
from controlsurface.alerting.rules.rule_loader import RuleSet
from controlsurface.api.prometheus_metrics import Exposition
from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.errors import TooSlow
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.metrics.queries.window_query import is_additive
from controlsurface.store.duckdb import DuckStore
from controlsurface.store.named_query import NamedQuery
from tests.alerting.rule_sets import MINUTE, NOW, DeliveredAlerts, high_failure_rule, rule_set, traffic
from tests.seed import seed


class CountingStore:
    """A store that counts its statements, and can be too slow."""

    def __init__(self, store: DuckStore) -> None:
        self.store = store
        self.asked = 0
        self.slow = False

    def query(self, query: NamedQuery, timeout_s: float = 30) -> pa.Table:
        self.asked += 1
        if self.slow:
            raise TooSlow("stopped after 30 s")
        return self.store.query(query, timeout_s)


class Scene:
    """A store, its engine, and what was told."""

    def __init__(self) -> None:
        self.store = DuckStore.in_memory()
        self.rows = CountingStore(self.store)
        self.told = DeliveredAlerts()
        self.engine = self.restarted()

    def restarted(self) -> RuleEngine:
        return RuleEngine(self.store, EvaluationContext(self.rows), self.told, NOW)

    def states(self) -> dict[str, str]:
        alerts = (alert for active in alert_store.load_alerts(self.store).values() for alert in active.values())
        return {dict(alert.labels).get("lane", ""): alert.state for alert in alerts}

    def history(self) -> list[tuple[str | None, str | None]]:
        rows = self.store.state('SELECT was, state FROM alert_history ORDER BY "at", rule, labels').to_pylist()
        return [(row["was"], row["state"]) for row in rows]

    def health(self) -> dict[str, str]:
        rows = self.store.state("SELECT rule, health, last_error FROM alert_rules").to_pylist()
        return {row["rule"]: row["last_error"] or row["health"] for row in rows}


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def seeded() -> Iterator[DuckStore]:
    store = DuckStore.in_memory()
    seed(store, n=2_000, days=1, end=NOW)
    yield store
    store.close()


def test_each_slice_is_evaluated_and_stored_with_its_notifications(scene: Scene) -> None:
    traffic(scene.store, NOW - MINUTE, failed=3, fine=1)
    traffic(scene.store, NOW - MINUTE, lane="large", fine=4)
    scene.engine.put_in_force(rule_set(high_failure_rule()), NOW)
    scene.engine.tick(NOW)
    assert scene.states() == {"small": "firing"}
    assert scene.told.calls[-1] == [("High", "firing")]
    assert scene.history() == [(None, "firing")]
    alert = next(iter(alert_store.load_alerts(scene.store)["High"].values()))
    assert (alert.reading.value, alert.reading.n, alert.reading.threshold) == (0.75, 4, 0.5)


def test_a_rule_with_too_few_events_has_no_data(scene: Scene) -> None:
    traffic(scene.store, NOW - MINUTE, failed=3)
    scene.engine.put_in_force(rule_set(high_failure_rule(min_count=4)), NOW)
    scene.engine.tick(NOW)
    assert scene.states() == {}
    assert scene.health() == {"High": "ok"}


def test_an_interval_must_be_beyond_the_bound_as_a_whole(scene: Scene) -> None:
    traffic(scene.store, NOW - MINUTE, failed=3, fine=1)
    traffic(scene.store, NOW - MINUTE, lane="large", failed=75, fine=25)
    scene.engine.put_in_force(rule_set(high_failure_rule(judge="interval")), NOW)
    scene.engine.tick(NOW)
    assert scene.states() == {"large": "firing"}


def test_a_bound_may_be_another_metric_or_an_earlier_time(scene: Scene) -> None:
    traffic(scene.store, NOW - MINUTE, failed=2, fine=2)
    traffic(scene.store, NOW - 61 * MINUTE, failed=1, fine=9)
    before = high_failure_rule(alert="Doubled", above={"offset": "1h", "times": 2})
    against = high_failure_rule(alert="Against", above={"metric": "escalation_rate"})
    scene.engine.put_in_force(rule_set(before, against), NOW)
    scene.engine.tick(NOW)
    assert {rule: len(active) for rule, active in alert_store.load_alerts(scene.store).items()} == {"Doubled": 1}


def test_a_slice_without_traffic_can_alert(scene: Scene) -> None:
    traffic(scene.store, NOW - 30 * MINUTE, fine=5)
    traffic(scene.store, NOW - MINUTE, lane="large", fine=5)
    quiet = {"alert": "Quiet", "metric": "requests", "by": ["lane"], "over": "5m", "below": 1, "no_data": "alert"}
    scene.engine.put_in_force(rule_set(quiet), NOW)
    scene.engine.tick(NOW)
    assert scene.states() == {"small": "firing"}


def test_a_query_that_fails_leaves_alerts_as_they_are(scene: Scene) -> None:
    traffic(scene.store, NOW - MINUTE, failed=3)
    scene.engine.put_in_force(rule_set(high_failure_rule()), NOW)
    scene.engine.tick(NOW)
    scene.rows.slow = True
    scene.engine.tick(NOW + 10 * MINUTE)
    assert scene.states() == {"small": "firing"}
    assert scene.health() == {"High": "stopped after 30 s"}
    assert scene.engine.gauges()["rules_failed"] == 1


def test_label_sets_that_collide_fail_the_rule_and_say_so(scene: Scene) -> None:
    for lane in ("small", "large"):
        traffic(scene.store, NOW - MINUTE, lane=lane, failed=3)
    scene.engine.put_in_force(rule_set(high_failure_rule(labels={"lane": "any"})), NOW)
    scene.engine.tick(NOW)
    assert scene.health()["High"].startswith("High: two slices have the label set")


def test_an_evaluation_that_cannot_be_stored_changes_nothing(scene: Scene) -> None:
    traffic(scene.store, NOW - MINUTE, failed=3)
    scene.engine.put_in_force(rule_set(high_failure_rule()), NOW)
    scene.told.broken = True
    with pytest.raises(RuntimeError):
        scene.engine.tick(NOW)
    assert (scene.states(), scene.history(), scene.engine.known) == ({}, [], {})
    scene.told.broken = False
    scene.engine.tick(NOW + MINUTE)
    assert scene.history() == [(None, "firing")]


def test_a_restarted_engine_restores_its_alerts(scene: Scene) -> None:
    traffic(scene.store, NOW - MINUTE, failed=3)
    rules = rule_set(high_failure_rule(**{"for": "2m"}, keep_firing_for="30m"))
    scene.engine.put_in_force(rules, NOW)
    for minute in range(12):  # fires after 2 minutes, keeps firing from the fifth
        scene.engine.tick(NOW + minute * MINUTE)
    known = scene.engine.known
    back = scene.restarted()
    back.put_in_force(rules, NOW + 12 * MINUTE)
    assert back.known == known
    back.tick(NOW + 12 * MINUTE)
    assert scene.history() == [(None, "pending"), ("pending", "firing")]


def test_a_removed_rule_resolves_its_alerts(scene: Scene) -> None:
    traffic(scene.store, NOW - MINUTE, failed=3)
    scene.engine.put_in_force(rule_set(high_failure_rule()), NOW)
    scene.engine.tick(NOW)
    scene.engine.put_in_force(RuleSet(), NOW + MINUTE)
    assert scene.states() == {}
    assert scene.told.calls[-1] == [("High", "resolved")]
    assert scene.history()[-1] == ("firing", "resolved")


def test_a_bound_changed_by_a_reload_keeps_what_is_known(scene: Scene) -> None:
    traffic(scene.store, NOW - MINUTE, failed=3)
    scene.engine.put_in_force(rule_set(high_failure_rule()), NOW)
    scene.engine.tick(NOW)
    scene.engine.put_in_force(rule_set(high_failure_rule(above=0.6)), NOW + MINUTE)
    scene.engine.tick(NOW + MINUTE)
    assert scene.history() == [(None, "firing")]


def test_groups_are_evaluated_at_multiples_of_their_intervals(scene: Scene) -> None:
    slow = rule_set(high_failure_rule(alert="Slow"), interval="5m", name="slow")
    scene.engine.put_in_force(RuleSet((*rule_set(high_failure_rule()).groups, *slow.groups)), NOW)
    found = [scene.engine.tick(NOW + minute * MINUTE + MINUTE / 3) for minute in range(6)]
    assert [sorted(each.errors) if each else None for each in found] == [
        ["High", "Slow"],
        *[["High"]] * 4,
        ["High", "Slow"],
    ]
    assert scene.engine.tick(NOW + 5 * MINUTE + MINUTE / 2) is None
    assert scene.engine.next_after(NOW + MINUTE / 2) == NOW + MINUTE


def test_missed_evaluations_are_counted(scene: Scene) -> None:
    scene.engine.put_in_force(rule_set(high_failure_rule()), NOW)
    scene.engine.tick(NOW)
    scene.engine.tick(NOW + 5 * MINUTE)
    assert scene.engine._loop.missed == 4


def test_delivery_gets_an_alert_at_once_and_new_measurements_every_few_minutes(scene: Scene) -> None:
    scene.engine.put_in_force(rule_set({"alert": "Here", "heartbeat": True}), NOW)
    calls = [found for found in _told_in(scene, 2 * REFRESH_INTERVAL_MIN + 1) if found]
    assert calls[0] == [("Here", "firing")]
    assert len(calls) in {3, 4}  # at once, and in each five minutes at a minute of its own


def _told_in(scene: Scene, minutes: int) -> list[list[tuple[str, str]]]:
    for minute in range(minutes):
        scene.engine.tick(NOW + minute * MINUTE)
    return scene.told.calls[-minutes:]


def test_rules_with_the_same_breakdown_share_a_statement_whatever_their_windows(
    scene: Scene, seeded: DuckStore
) -> None:
    metrics = [m.id for m in CATALOG.values() if m.source == "requests" and is_additive(m)]
    rules = [
        {"alert": f"R{i}", "metric": metrics[i % len(metrics)], "by": [by], "above": 1e9, "over": f"{5 + i}m"}
        for i, by in enumerate(["lane", "task_type"] * 50)
    ]
    rows = CountingStore(seeded)
    engine = RuleEngine(scene.store, EvaluationContext(rows), scene.told, NOW)
    engine.put_in_force(rule_set(*rules), NOW)
    engine.tick(NOW)
    assert rows.asked == 4  # what is held against a baseline is summed by stratum, and so apart
    assert set(scene.health().values()) == {"ok"}


def test_rules_measure_the_values_that_queries_show(scene: Scene, seeded: DuckStore) -> None:
    usual = {"comparisons": "router", "arrivals": "service"}
    by = {name: usual.get(metric.source, "lane") for name, metric in CATALOG.items()}
    about = {"over": "6h", "above": -1e9, "min_count": 0}
    rules = [{"alert": f"Any_{name}", "metric": name, "by": [by[name]], **about} for name in CATALOG]
    engine = RuleEngine(scene.store, EvaluationContext(seeded), scene.told, NOW)
    engine.put_in_force(rule_set(*rules), NOW)
    engine.tick(NOW)
    for name in CATALOG:
        args = MetricArgs(metric=name, by=(by[name],), start=NOW - 360 * MINUTE, end=NOW)
        shown = LocalClient(seeded).run(MetricQuery(args)).rows.to_pylist()
        alerts = engine.known.get(f"Any_{name}", {}).values()
        seen = {dict(alert.labels).get(by[name]): alert.reading.value for alert in alerts}
        assert seen == pytest.approx({row[by[name]]: row["value"] for row in shown if row["value"] is not None})


def test_the_rule_loop_can_be_scraped(scene: Scene) -> None:
    traffic(scene.store, NOW - MINUTE, failed=3)
    scene.engine.put_in_force(
        rule_set(high_failure_rule(), {"alert": "Here", "drift": {}, "metric": "error_rate"}), NOW
    )
    scene.engine.tick(NOW)
    text = Exposition(LocalClient(scene.store, dict)).render()
    assert "controlsurface_rules_evaluations_total 1.0\n" in text
    assert "controlsurface_rules 2.0\n" in text
    assert "controlsurface_rules_failing 1.0\n" in text  # nothing judges drift in this scene
    assert "controlsurface_alerts_firing 1.0\n" in text


def test_groups_of_one_name_in_two_files_are_both_evaluated() -> None:
    store, told = DuckStore.in_memory(), DeliveredAlerts()
    engine = RuleEngine(store, EvaluationContext(store), told, NOW)
    one, other = (rule_set({"alert": name, "heartbeat": True}).groups[0] for name in ("One", "Other"))
    engine.put_in_force(RuleSet((one, replace(other, file="own.yaml"))), NOW)
    found = engine.tick(NOW)
    assert found is not None
    assert engine.known.keys() == {"One", "Other"}
    store.close()
