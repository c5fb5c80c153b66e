"""Tests of rule files: run, and what was expected but did not come about."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from controlsurface.alerting import files
from controlsurface.alerting.advance import Active
from controlsurface.alerting.backtest import played
from controlsurface.alerting.cases import Case, CaseFile, Check
from controlsurface.alerting.detectors import detectors
from controlsurface.alerting.filling import fill
from controlsurface.alerting.labels import NAME, labels, shown
from controlsurface.alerting.rules import Rule
from controlsurface.alerting.staging import Staged
from controlsurface.errors import ConfigError, nearest
from controlsurface.formatting import format_period
from controlsurface.metrics.moments import Moments
from controlsurface.store.duckdb import DuckStore


@dataclass(frozen=True, slots=True)
class Result:
    """A case of a file and what went wrong in it."""

    file: str
    name: str
    failures: tuple[str, ...]


def run(path: Path, store: DuckStore) -> Iterator[Result]:
    """The results of a file's cases. `store` is emptied and filled for each. Raises ConfigError, NotFound."""
    tree, asked, problems = files.parsed(path, CaseFile)
    if asked is None:
        raise ConfigError("\n".join(problems))
    own = path.name.removesuffix(files.TESTS) + ".yaml"
    rules = files.load(path.parent / name for name in asked.rule_files or (own,)).rules
    unknown = [
        f"{path}:{tree.line(('tests', i, 'alert_rule_test', j, 'alertname'))}: no rule named '{check.alertname}'"
        f"{nearest(check.alertname, rules)}"
        for i, case in enumerate(asked.tests)
        for j, check in enumerate(case.alert_rule_test)
        if check.alertname not in rules
    ]
    if unknown:
        raise ConfigError("\n".join(unknown))
    for i, case in enumerate(asked.tests):
        name = case.name or f"tests[{i}]"
        yield Result(str(path), name, tuple(_failures(case, asked.evaluation_interval, rules, store)))


def _failures(case: Case, every: timedelta, rules: Mapping[str, Rule], store: DuckStore) -> Iterator[str]:
    """What did not come about as expected."""
    fill(store, case)
    asked = [rules[name] for name in dict.fromkeys(check.alertname for check in case.alert_rule_test)]
    last = case.start + max(check.eval_time for check in case.alert_rule_test)
    due = [(case.start + check.eval_time // every * every, check) for check in case.alert_rule_test]
    for moment in played(
        asked,
        Staged(store, detectors=detectors(store), weekly_budget_usd=case.weekly_budget_usd, case=case),
        Moments(case.start, last, every),
    ):
        for check in (check for at, check in due if at == moment.at):
            error = moment.found.errors[check.alertname]
            wrong = [error] if error else list(_differences(check, moment.active.get(check.alertname, {})))
            yield from (f"{check.alertname} at {format_period(check.eval_time)}: {text}" for text in wrong)


def _differences(check: Check, active: Active) -> Iterator[str]:
    """Alerts that should fire and do not, and those that fire and should not."""
    firing = {key: alert for key, alert in active.items() if alert.state == "firing"}
    expected = {labels({NAME: check.alertname}, each.exp_labels): each.exp_annotations for each in check.exp_alerts}
    for key in expected.keys() - firing.keys():
        yield f"expected, but does not fire: {shown(key)}"
    for key in firing.keys() - expected.keys():
        yield f"fires, but is not expected: {shown(key)} value={firing[key].reading.value}"
    for key in expected.keys() & firing.keys():
        texts = expected[key]
        if texts is not None and dict(texts) != dict(firing[key].annotations):
            yield f"{shown(key)}: annotations are {dict(firing[key].annotations)}, expected {dict(texts)}"


def case_files(places: Iterable[Path]) -> list[Path]:
    """The files of tests that files and folders name; beside a rule file, its own."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += sorted(place.glob(f"*{files.TESTS}"))
        else:
            is_test = place.name.endswith(files.TESTS)
            found.append(place if is_test else place.with_name(place.stem + files.TESTS))
    return list(dict.fromkeys(found))
