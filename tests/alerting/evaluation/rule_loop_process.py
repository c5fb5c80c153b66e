"""A process that evaluates rules over traffic that comes and goes, in simulated time, and can be killed."""

import sys
from datetime import UTC
from pathlib import Path

from controlsurface.alerting.delivery.outbox import enqueue_alerts
from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_engine import RuleEngine
from controlsurface.store.duckdb import DuckStore
from tests.alerting.rule_sets import MINUTE, NOW, high_failure_rule, rule_set, traffic

RULES = rule_set(
    high_failure_rule(over="2m", no_data="ok"),
    high_failure_rule(alert="Held", over="2m", no_data="ok", keep_firing_for="3m", **{"for": "2m"}),
)


def run_simulated_minutes(data: Path, minutes: int, *, say: bool = False) -> list[tuple[object, ...]]:
    """Evaluate from where the store left off until so many minutes have passed; all changes, and who was told."""
    store = DuckStore.open(data)
    try:
        if not store.state("SELECT 1 FROM requests LIMIT 1").num_rows:
            for minute in range(0, 30, 10):  # bad for five minutes of ten
                for i in range(5):
                    traffic(store, NOW + (minute + i) * MINUTE, failed=2)
        began = store.state("SELECT max(evaluated_at) AS at FROM alert_loop").to_pylist()[0]["at"]
        now = began.replace(tzinfo=UTC) if began else NOW
        engine = RuleEngine(store, EvaluationContext(store), enqueue_alerts, now)
        engine.put_in_force(RULES, now)
        while now < NOW + minutes * MINUTE:
            now += MINUTE
            engine.tick(now)
            if say:
                print((now - NOW) // MINUTE, flush=True)  # noqa: T201 - the other process waits for it
        return _story(store)
    finally:
        store.close()


def _story(store: DuckStore) -> list[tuple[object, ...]]:
    """All that was kept, without what only says when the process ran."""
    history = store.state('SELECT "at", rule, labels, was, state FROM alert_history ORDER BY ALL').to_pylist()
    told = store.state("SELECT labels, starts_at, ends_at FROM alert_episodes ORDER BY ALL").to_pylist()
    return [tuple(row.values()) for row in (*history, *told)]


if __name__ == "__main__":
    run_simulated_minutes(Path(sys.argv[1]), 10_000, say=True)
