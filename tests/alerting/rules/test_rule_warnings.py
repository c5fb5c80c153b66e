"""A mistake in a rule file is told wherever rules are looked at, and keeps no traffic away."""

from collections.abc import Iterator

import pytest
import requests

from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_engine import RuleEngine
from controlsurface.client import LocalClient
from controlsurface.store.duckdb import DuckStore
from tests.alerting.rule_sets import NOW, DeliveredAlerts, high_failure_rule, rule_set
from tests.serving import serving

MISTAKES = "r.yaml:4: no metric named 'erorr_rate'; did you mean 'error_rate'?\nr.yaml:9: unknown field 'abvoe'"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    store = DuckStore.in_memory()
    engine = RuleEngine(store, EvaluationContext(store), DeliveredAlerts(), NOW)
    engine.put_in_force(rule_set(high_failure_rule()), NOW)
    engine.report_rules_problem(MISTAKES)
    with serving(LocalClient(store)) as address:
        yield address
    store.close()


def test_the_rules_in_force_come_with_the_mistakes_of_newer_files(url: str) -> None:
    answer = requests.get(f"{url}/api/v1/rules", timeout=9).json()
    assert answer["warnings"] == MISTAKES.splitlines()
    assert [rule["name"] for group in answer["data"]["groups"] for rule in group["rules"]] == ["High"]


def test_a_server_with_wrong_rule_files_is_ready_and_says_so(url: str) -> None:
    answer = requests.get(f"{url}/readyz", timeout=9)
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert answer.json()["warnings"] == MISTAKES.splitlines()
    assert "controlsurface_rules_outdated 1.0" in requests.get(f"{url}/metrics", timeout=9).text
