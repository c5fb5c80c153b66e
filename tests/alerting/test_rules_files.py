"""Rule files: good ones are understood, bad ones refused with every problem and its place."""

from pathlib import Path

import pytest

from controlsurface.alerting.files import RuleSet, load, rule_files
from controlsurface.alerting.rules import ThresholdRule
from controlsurface.errors import ConfigError, NotFound

GOOD = """
groups:
  - name: routing
    interval: 1m
    rules:
      - alert: EscalationRateHigh
        metric: escalation_rate
        by: [task_type]
        where: {lane: small, team: [a, null]}
        over: 1h30m
        above: 0.30
        min_count: 20
        for: 10m
        labels: {severity: page}
        annotations: {summary: "{{ $labels.task_type }}: {{ $value | humanizePercentage }}"}
"""
BAD = """
groups:
  - name: routing
    rules:
      - alert: A
        metric: escalation_rat
        by: [task_tpe]
        abov: 0.3
      - alert: B
        metric: escalation_rate
        drift: {tolerence: 1.3}
        above: 1
      - alert: C
        metric: requests
        above: 10
        judge: interval
      - metric: cost
        above: {metric: costs}
        over: soon
"""


def written(folder: Path, text: str, name: str = "r.yaml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def wrong(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load([written(folder, text)])
    return [line.removeprefix(f"{folder}/") for line in str(caught.value).splitlines()]


def test_a_rule_reads_as_it_is_written(tmp_path: Path) -> None:
    rule = load([written(tmp_path, GOOD)]).rules["EscalationRateHigh"]
    assert isinstance(rule, ThresholdRule)
    assert (rule.bound, rule.over.total_seconds(), rule.for_.total_seconds()) == (0.3, 5400, 600)
    assert rule.where_pairs == ("lane:small", "team:a", "team:")


def test_all_problems_of_a_file_are_told_at_once_with_line_place_and_nearest_name(tmp_path: Path) -> None:
    assert wrong(tmp_path, BAD) == [
        "r.yaml:6: groups[0].rules[0].metric: no metric named 'escalation_rat'; did you mean 'escalation_rate'?",
        "r.yaml:7: groups[0].rules[0].by: no dimension named 'task_tpe'; did you mean 'task_type'?",
        "r.yaml:8: groups[0].rules[0].abov: no such field in a threshold rule; did you mean 'above'?",
        "r.yaml:11: groups[0].rules[1].drift.tolerence: no such field; did you mean 'tolerance'?",
        "r.yaml:12: groups[0].rules[1].above: no such field in a drift rule",
        "r.yaml:13: groups[0].rules[2]: 'requests' has no interval; only ratios have",
        "r.yaml:17: groups[0].rules[3].alert: must be given",
        "r.yaml:18: groups[0].rules[3].above.metric: no metric named 'costs'; did you mean 'cost'?",
        "r.yaml:19: groups[0].rules[3].over: 'soon' is not a duration; write a number and one of ms, s, m, h, d, w",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("groups: [", "r.yaml:2: did not find expected"),
        ("", "r.yaml: is empty"),
        (GOOD.replace("over:", "metric: cost\n        over:"), "r.yaml:10: 'metric' is given twice, first in line 7"),
        (GOOD.replace("$labels.task_type", "$labels.task"), "alerts of this rule have no label 'task'; did you mean"),
        (GOOD.replace("$value |", "value |"), "cannot be read; write {{ $labels.lane }}"),
        (GOOD.replace("humanizePercentage", "humanise"), "no filter named 'humanise'; did you mean 'humanize'?"),
        (GOOD.replace("above: 0.30", "above: 1\n        below: 0"), "give either 'above' or 'below'"),
        (GOOD.replace("severity: page", "alertname: x"), "'alertname' cannot be a label's name"),
        (GOOD.replace("[task_type]", "[model]"), "no dimension of requests named 'model'"),
        (GOOD + GOOD.partition("rules:\n")[2], "another rule is named 'EscalationRateHigh': "),
        ("a: &a [*a]", "too deep"),
    ],
)
def test_what_cannot_be_right_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert any(problem in line for line in wrong(tmp_path, text))


def test_tests_beside_rules_are_no_rules(tmp_path: Path) -> None:
    kept = written(tmp_path, GOOD)
    written(tmp_path, "", "r.test.yaml")
    assert rule_files([tmp_path, kept]) == [kept]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        rule_files([tmp_path / "nowhere"])


def test_rules_can_be_left_out(tmp_path: Path) -> None:
    assert load([written(tmp_path, GOOD)]).without(["EscalationRateHigh"]) == RuleSet()
