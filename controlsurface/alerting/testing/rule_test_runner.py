"""Tests of rule files, run: their rows go into a store, and what was expected but did not come about is reported."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from controlsurface.alerting.backtest import replay_rules
from controlsurface.alerting.detector_registry import create_detectors
from controlsurface.alerting.evaluation.alert_state_machine import ActiveAlerts
from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.measurements import (
    Measurement,
    MeasurementRequest,
    MeasurementResults,
    MeasurementSeries,
    SliceMeasurements,
    SliceValues,
)
from controlsurface.alerting.model import ALERT_NAME_LABEL, format_labels, label_set
from controlsurface.alerting.rules import rule_loader
from controlsurface.alerting.rules.rule_models import AlertRule
from controlsurface.alerting.rules.rule_values import GAUGES
from controlsurface.alerting.testing.rule_test_cases import (
    AlertCheck,
    InputRows,
    InputSeries,
    RuleTestCase,
    RuleTestFile,
    expand_series,
    parse_series_name,
)
from controlsurface.errors import ConfigError, did_you_mean
from controlsurface.formatting import format_period
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.replay_query import ReplayMoments
from controlsurface.metrics.statistics import wilson_interval
from controlsurface.store.duckdb import DuckStore, WriteTransaction

_INPUT_TABLES = ("requests", "attempts")
_COLUMN_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "requests": {"lane": "small", "attempts": 1, "failed_attempts": 0, "steps": 1, "retries": 0, "fell_back": False}
    | {"failed": False, "priced": True, "sample_weight": 1.0},
    "attempts": {"purpose": "user", "lane": "small", "failed": False, "billable": True, "sample_weight": 1.0},
}
_PYTHON_TYPES: Mapping[str, type] = {"BOOLEAN": bool, "VARCHAR": str, "BIGINT": int, "INTEGER": int}


def insert_input_rows(store: DuckStore, case: RuleTestCase) -> None:
    """The case's rows, and no others."""
    with store.writing() as writing:
        for table in (*_INPUT_TABLES, "events", "drift_streams", "drift_learnt", "drift_accepts"):
            writing.execute(f"DELETE FROM {table}")
        for table, blocks in (("requests", case.input_requests), ("attempts", case.input_attempts)):
            for block in blocks:
                _insert_rows(writing, table, block, case.start)
        for told in case.input_events:
            writing.execute(
                'INSERT INTO events ("at", kind, title, source) VALUES ($at, $kind, $title, $source)',
                {"at": case.start + told.at, "kind": told.kind, "title": told.title, "source": "test"},
            )


def _insert_rows(writing: WriteTransaction, table: str, block: InputRows, start: datetime) -> None:
    """The rows of one block, in one statement. Raises ConfigError for columns that do not exist or do not fit."""
    columns = writing.types(f"FROM {table}")
    values = {**_COLUMN_DEFAULTS[table], **block.columns}
    _check_columns(table, block.columns, columns)
    ids = {"trace_id": "gen_random_uuid()", "span_id": "(random() * 1e18)::UBIGINT", "started_at": "moment"}
    ids |= {name: "gen_random_uuid()::VARCHAR" for name in ("request_id", "attempt_id") if name in columns}
    made = [f"{text} AS {name}" for name, text in ids.items() if name not in values]
    listed = ", ".join([*made, *(f"${name} AS {name}" for name in values)])
    times = {"from_": start + block.from_, "to_": start + block.to, "every_": block.every, "count_": block.count}
    writing.execute(
        f"INSERT INTO {table} BY NAME SELECT {listed} "
        "FROM (SELECT UNNEST(range($from_, $to_, $every_)) AS moment) CROSS JOIN range($count_)",
        {**values, **times},
    )


def _check_columns(table: str, given: Mapping[str, Any], columns: Mapping[str, str]) -> None:
    """Refuse columns that the table does not have, and values that do not fit."""
    for name, value in given.items():
        if name not in columns:
            raise ConfigError(f"input_{table}: no column named '{name}'{did_you_mean(name, columns)}")
        fitting = _PYTHON_TYPES.get(columns[name], (int, float))
        if value is not None and (not isinstance(value, fitting) or (isinstance(value, bool) and fitting is not bool)):
            raise ConfigError(f"input_{table}: {name}: {value!r} is no {columns[name]}")


@dataclass(frozen=True, slots=True)
class RuleTestContext(EvaluationContext):
    """Figures as a test gives them; what it does not give is measured in the store."""

    case: RuleTestCase = field(kw_only=True)

    def answers(self, wanted: Sequence[MeasurementRequest], moments: ReplayMoments) -> MeasurementResults:
        """The figures of series where there are any of the metric, else the store's."""
        given = {parse_series_name(each.series)[0] for each in self.case.input_series}
        asked = EvaluationContext.answers(self, [need for need in wanted if need.metric not in given], moments)
        return {**asked, **{need: self._found(need, moments) for need in wanted if need.metric in given}}

    def _found(self, need: MeasurementRequest, moments: ReplayMoments) -> MeasurementSeries:
        """One metric's figures at each moment."""
        found: dict[datetime, SliceMeasurements] = {}
        at = moments.first
        while at <= moments.last:
            found[at] = SliceMeasurements.of(dict(self._figures(need, at)))
            at += moments.every
        return found

    def _figures(self, need: MeasurementRequest, at: datetime) -> Iterator[tuple[SliceValues, Measurement]]:
        for each in self.case.input_series:
            name, given = parse_series_name(each.series)
            value = self._sample(each, at - need.view.offset, need.view.over if need.waited else timedelta())
            if name == need.metric and set(given) <= set(need.view.by) and value is not None:
                yield tuple(given.get(dimension) for dimension in need.view.by), _measurement(name, value, each.n)

    def _sample(self, series: InputSeries, at: datetime, back: timedelta) -> float | None:
        """The sample at a moment, or the last one not longer ago than `back`."""
        samples = expand_series(series.values)
        last = (at - self.case.start) // self.case.interval
        first = last - back // self.case.interval
        window = [value for value in samples[max(first, 0) : max(last + 1, 0)] if value is not None]
        return window[-1] if window else None

    def server(self, at: datetime) -> Mapping[str, float]:
        """The server's own figures at a moment."""
        series = ((parse_series_name(each.series)[0], each) for each in self.case.input_series)
        found = ((name, self._sample(each, at, timedelta())) for name, each in series if name in GAUGES)
        return {name: value for name, value in found if value is not None}


def _measurement(metric: str, value: float, n: int) -> Measurement:
    """A figure as it would be measured: a share with its Wilson interval."""
    if CATALOG[metric].kind != "ratio" or not n:
        return Measurement(value, n)
    low, high = wilson_interval(np.array([value]), np.array([float(n)]))
    return Measurement(value, n, float(low[0]), float(high[0]))


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
