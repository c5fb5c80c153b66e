"""Tests of rules: promtool's notation, and what is printed when an expectation fails."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from controlsurface.alerting.testing.rule_test_cases import expand_series, parse_series_name
from controlsurface.cli.rules_command import command
from controlsurface.errors import ConfigError, ControlSurfaceError, RulesFailed

RULES = """
groups:
  - name: g
    rules:
      - alert: High
        metric: error_rate
        by: [lane]
        over: 5m
        above: 0.5
        annotations: {summary: "{{ $value | humanizePercentage }} in {{ $labels.lane }}"}
"""
GOOD = """
tests:
  - input_requests: [{to: 5m, failed: true}]
    alert_rule_test:
      - {eval_time: 5m, alertname: High, exp_alerts: [{exp_labels: {lane: small}}]}
"""


def run(folder: Path, tests: str, verb: str = "test") -> Result:
    (folder / "r.yaml").write_text(RULES, "utf-8")
    (folder / "r.test.yaml").write_text(tests, "utf-8")
    return CliRunner().invoke(command, [verb, str(folder)], obj=None, catch_exceptions=True)


def failure(folder: Path, tests: str) -> tuple[type[Any], str]:
    result = run(folder, tests)
    assert isinstance(result.exception, ControlSurfaceError)
    return type(result.exception), f"{result.output}{result.exception}"


@pytest.mark.parametrize(
    ("text", "samples"),
    [
        ("1 2.5 -3", (1, 2.5, -3)),
        ("0+10x3", (0, 10, 20, 30)),
        ("10-5x2", (10, 5, 0)),
        ("1x2", (1, 1, 1)),
        ("_ 1 _x3", (None, 1, None, None, None)),
    ],
)
def test_samples_are_written_in_prometheus_s_notation(text: str, samples: tuple[float | None, ...]) -> None:
    assert expand_series(text) == samples


@pytest.mark.parametrize("text", ["x", "1+2", "1+x3", "1x", "1x9999999"])
def test_samples_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        expand_series(text)


def test_a_series_is_a_metric_and_its_slice() -> None:
    assert parse_series_name('error_rate{lane="small", team="a \\" b"}') == (
        "error_rate",
        {"lane": "small", "team": 'a " b'},
    )


def test_a_rule_test_that_comes_out_as_expected_is_ok(tmp_path: Path) -> None:
    result = run(tmp_path, GOOD)
    assert (result.exit_code, result.output.split()[0]) == (0, "ok")


def test_failed_rule_tests_print_differences_and_have_their_own_exit_code(tmp_path: Path) -> None:
    kind, text = failure(tmp_path, GOOD.replace("lane: small}}", "lane: large}}"))
    assert kind is RulesFailed
    assert 'High at 5m: expected, but does not fire: {alertname="High", lane="large"}' in text
    assert 'High at 5m: fires, but is not expected: {alertname="High", lane="small"} value=1.0' in text
    assert "1 of 1 tests failed" in text


def test_annotations_are_compared_where_they_are_given(tmp_path: Path) -> None:
    texts = "lane: small}, exp_annotations: {summary: 90% in small}}"
    kind, text = failure(tmp_path, GOOD.replace("lane: small}}", texts))
    assert kind is RulesFailed
    assert "'summary': '100% in small'" in text


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("alertname: High", "alertname: Hihg", "r.test.yaml:5: no rule named 'Hihg'; did you mean 'High'?"),
        ("failed: true", "faild: true", "input_requests: no column named 'faild'; did you mean 'failed'?"),
        ("failed: true", "failed: often", "input_requests: failed: 'often' is no BOOLEAN"),
        ("eval_time: 5m", "evaltime: 5m", "no such field; did you mean 'eval_time'?"),
        ("to: 5m", "to: soon", "'soon' is not a duration"),
    ],
)
def test_an_invalid_rule_test_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    kind, text = failure(tmp_path, GOOD.replace(old, new))
    assert kind is ConfigError
    assert problem in text


def test_rules_can_be_listed(tmp_path: Path) -> None:
    assert run(tmp_path, GOOD, "check").output.splitlines()[1].split() == ["g", "High", "threshold", "-"]


def test_the_schema_command_prints_the_schema_of_rule_files() -> None:
    assert '"title": "RuleFile"' in CliRunner().invoke(command, ["schema"]).output
