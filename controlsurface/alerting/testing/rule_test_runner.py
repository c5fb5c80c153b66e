"""Tests of rule files: run, and what was expected but did not come about."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from controlsurface.alerting.backtest import replay_rules
from controlsurface.alerting.detector_registry import create_detectors
from controlsurface.alerting.evaluation.alert_state_machine import ActiveAlerts
from controlsurface.alerting.model.alert_labels import ALERT_NAME_LABEL, format_labels, label_set
from controlsurface.alerting.rules import rule_loader
from controlsurface.alerting.rules.rule_models import AlertRule
from controlsurface.alerting.testing.input_rows import insert_input_rows
from controlsurface.alerting.testing.rule_test_cases import AlertCheck, RuleTestCase, RuleTestFile
from controlsurface.alerting.testing.rule_test_context import RuleTestContext
from controlsurface.errors import ConfigError, did_you_mean
from controlsurface.formatting import format_period
from controlsurface.metrics.queries.replay_query import ReplayMoments
from controlsurface.store.duckdb import DuckStore


@dataclass(frozen=True, slots=True)
class RuleTestResult:
    """A case of a file and what went wrong in it."""

    file: str
    name: str
    failures: tuple[str, ...]


def run_rule_tests(path: Path, store: DuckStore) -> Iterator[RuleTestResult]:
    """The results of a file's cases. `store` is emptied and filled for each. Raises ConfigError, NotFound."""
    tree, asked, problems = rule_loader.parse_yaml_file(path, RuleTestFile)
    if asked is None:
        raise ConfigError("\n".join(problems))
    own = path.name.removesuffix(rule_loader.TEST_FILE_SUFFIX) + ".yaml"
    rules = rule_loader.load_rule_files(path.parent / name for name in asked.rule_files or (own,)).rules
    unknown = [
        f"{path}:{tree.line(('tests', i, 'alert_rule_test', j, 'alertname'))}: no rule named '{check.alertname}'"
        f"{did_you_mean(check.alertname, rules)}"
        for i, case in enumerate(asked.tests)
        for j, check in enumerate(case.alert_rule_test)
        if check.alertname not in rules
    ]
    if unknown:
        raise ConfigError("\n".join(unknown))
    for i, case in enumerate(asked.tests):
        name = case.name or f"tests[{i}]"
        yield RuleTestResult(str(path), name, tuple(_failures(case, asked.evaluation_interval, rules, store)))


def _failures(case: RuleTestCase, every: timedelta, rules: Mapping[str, AlertRule], store: DuckStore) -> Iterator[str]:
    """What did not come about as expected."""
    insert_input_rows(store, case)
    asked = [rules[name] for name in dict.fromkeys(check.alertname for check in case.alert_rule_test)]
    last = case.start + max(check.eval_time for check in case.alert_rule_test)
    due = [(case.start + check.eval_time // every * every, check) for check in case.alert_rule_test]
    for moment in replay_rules(
        asked,
        RuleTestContext(store, detectors=create_detectors(store), weekly_budget_usd=case.weekly_budget_usd, case=case),
        ReplayMoments(case.start, last, every),
    ):
        for check in (check for at, check in due if at == moment.at):
            error = moment.found.errors[check.alertname]
            wrong = [error] if error else list(_differences(check, moment.active.get(check.alertname, {})))
            yield from (f"{check.alertname} at {format_period(check.eval_time)}: {text}" for text in wrong)


def _differences(check: AlertCheck, active: ActiveAlerts) -> Iterator[str]:
    """Alerts that should fire and do not, and those that fire and should not."""
    firing = {key: alert for key, alert in active.items() if alert.state == "firing"}
    expected = {
        label_set({ALERT_NAME_LABEL: check.alertname}, each.exp_labels): each.exp_annotations
        for each in check.exp_alerts
    }
    for key in expected.keys() - firing.keys():
        yield f"expected, but does not fire: {format_labels(key)}"
    for key in firing.keys() - expected.keys():
        yield f"fires, but is not expected: {format_labels(key)} value={firing[key].reading.value}"
    for key in expected.keys() & firing.keys():
        texts = expected[key]
        if texts is not None and dict(texts) != dict(firing[key].annotations):
            yield f"{format_labels(key)}: annotations are {dict(firing[key].annotations)}, expected {dict(texts)}"


def find_test_files(places: Iterable[Path]) -> list[Path]:
    """The files of tests that files and folders name; beside a rule file, its own."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += sorted(place.glob(f"*{rule_loader.TEST_FILE_SUFFIX}"))
        else:
            is_test = place.name.endswith(rule_loader.TEST_FILE_SUFFIX)
            found.append(place if is_test else place.with_name(place.stem + rule_loader.TEST_FILE_SUFFIX))
    return list(dict.fromkeys(found))
