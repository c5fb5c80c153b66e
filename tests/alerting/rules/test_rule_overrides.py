"""A rule of another file is overridden by name, key by key; what is wrong with an override harms nothing else."""

from pathlib import Path

import pytest

from controlsurface.alerting.evaluation import alert_store
from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_engine import RuleEngine
from controlsurface.alerting.rules.rule_loader import RulePaths, RuleSet, load_rule_files
from controlsurface.alerting.rules.rule_models import MetricBound, RuleFile, ThresholdRule
from controlsurface.client.local_client import LocalClient
from controlsurface.doctor import checks
from controlsurface.shipped_paths import ALERTS
from controlsurface.store.duckdb import DuckStore
from tests.alerting.rule_sets import NOW

PACK = """\
groups:
  - name: pack
    interval: 1m
    rules:
      - {alert: Errors, metric: error_rate, above: 0.2, for: 5m, labels: {severity: page, owner: a}}
      - {alert: Escalations, metric: escalation_rate, above: {over: 7d, offset: 1d, times: 1.5, limit: 0.3}}
"""


def loaded(folder: Path, overrides: str) -> RuleSet:
    (folder / "a_pack.yaml").write_text(PACK)
    (folder / "own.yaml").write_text(f"overrides:\n{overrides}")
    return RulePaths((folder,)).load()


def threshold(found: RuleSet, name: str) -> ThresholdRule:
    rule = found.rules[name]
    assert isinstance(rule, ThresholdRule)
    return rule


def test_an_override_changes_only_the_keys_that_it_names(tmp_path: Path) -> None:
    found = loaded(tmp_path, "  - alert: Errors\n    above: 0.3\n    labels: {severity: ticket}\n")
    rule = threshold(found, "Errors")
    assert (rule.above, rule.for_.total_seconds(), dict(rule.labels)) == (
        0.3,
        300,
        {"severity": "ticket", "owner": "a"},
    )
    assert [source.file for source in found.groups] == [str(tmp_path / "a_pack.yaml")]
    assert (found.overrides["Errors"].file, found.overrides["Errors"].line) == (str(tmp_path / "own.yaml"), 2)


def test_an_override_of_one_part_of_a_bound_leaves_the_others(tmp_path: Path) -> None:
    bound = threshold(loaded(tmp_path, "  - {alert: Escalations, above: {limit: 0.4}}\n"), "Escalations").above
    assert isinstance(bound, MetricBound)
    assert (bound.limit, bound.times, bound.offset.days) == (0.4, 1.5, 1)


def test_a_null_in_an_override_removes_the_key(tmp_path: Path) -> None:
    rule = threshold(loaded(tmp_path, "  - {alert: Errors, above: null, below: 0.1, for: null}\n"), "Errors")
    assert (rule.above, rule.below, rule.for_.total_seconds()) == (None, 0.1, 0)


@pytest.mark.parametrize(
    ("override", "place", "told"),
    [
        ("{alert: Erors, above: 0.3}", "2: overrides[0].alert", "no rule named 'Erors'; did you mean 'Errors'?"),
        ("alert: Errors\n    abvoe: 0.3", "3: overrides[0].abvoe", "no such field in a threshold rule; did you mean"),
        ("alert: Errors\n    metric: eror_rate", "3: overrides[0].metric", "no metric named 'eror_rate'; did you mean"),
        ("{alert: Errors, above: 0.3}\n  - {alert: Errors, above: 0.4}", "3: overrides[1].alert", "overridden already"),
        ("{alert: Errors, annotations: {x: '{{ $labels.lane }}'}}", "2: overrides[0].annotations.x", "lane"),
    ],
)
def test_a_wrong_override_leaves_its_rule_in_force_and_is_said_with_its_place(
    tmp_path: Path, override: str, place: str, told: str
) -> None:
    found = loaded(tmp_path, f"  - {override}\n")
    assert threshold(found, "Errors").above == (0.3 if "0.4" in override else 0.2)
    assert len(found.rules) == 2
    assert len(found.doubts) == 1
    assert f"own.yaml:{place}: " in found.doubts[0]
    assert told in found.doubts[0]


@pytest.mark.parametrize(
    ("override", "told"),
    [
        # A percentage where a share is meant: such a rule never fires.
        ("above: 30", "above: 'error_rate' lies between 0 and 1 and is never above 30; 30 % is 0.3"),
        # grafana/grafana#48509: a pending period shorter than the interval.
        ("for: 20s", "for: is shorter than the group's interval of 1m"),
        ("labels: {severity: Pgae}", "labels: severity 'Pgae'; did you mean 'page'?"),
        ("labels: {serverity: page}", "labels: label 'serverity'; did you mean 'severity'?"),
    ],
)
def test_what_a_rule_hardly_means_is_said_and_in_force(tmp_path: Path, override: str, told: str) -> None:
    found = loaded(tmp_path, f"  - alert: Errors\n    {override}\n")
    assert len(found.doubts) == 1
    assert f"own.yaml:3: overrides[0].{told}" in found.doubts[0]
    assert "Errors" in found.overrides


def test_the_shipped_rules_have_no_doubts() -> None:
    assert RulePaths((Path(ALERTS),)).load().doubts == ()


def test_a_file_without_groups_and_overrides_is_refused() -> None:
    with pytest.raises(ValueError, match="give 'groups' of rules or 'overrides'"):
        RuleFile.model_validate({})
    assert RuleFile.model_validate({"overrides": []}).groups == ()


def test_an_override_and_its_doubts_are_told_by_the_rules_and_by_doctor(tmp_path: Path) -> None:
    found = loaded(tmp_path, "  - {alert: Errors, above: 0.3, for: 10m}\n  - {alert: Gone, above: 1}\n")
    store = DuckStore.in_memory()
    engine = RuleEngine(store, EvaluationContext(store), lambda *_: None, NOW)
    engine.put_in_force(found, NOW)
    row = store.state("SELECT origin, override FROM alert_rules WHERE rule = 'Errors'").to_pylist()[0]
    assert row["origin"] == "own"
    assert '"changes":"threshold 0.3 (shipped 0.2), for 10m (shipped 5m)"' in row["override"]
    told = [each.text for each in checks._alerting(LocalClient(store))]
    assert ["no rule named 'Gone'" in text for text in told] == [True]
    assert alert_store.load_rules_in_force(store).rules == found.rules
    store.close()


def test_rules_of_a_pack_are_found_whatever_comes_first(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("overrides: [{alert: Errors, above: 0.5}]")
    (tmp_path / "b.yaml").write_text(PACK)
    assert threshold(load_rule_files([tmp_path / "a.yaml", tmp_path / "b.yaml"]), "Errors").above == 0.5
