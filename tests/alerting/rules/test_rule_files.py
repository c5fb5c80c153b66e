"""Rule files: good ones are understood, bad ones refused with every problem and its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.alerting.rules.rule_loader import RuleSet, find_rule_files, load_rule_files
from controlsurface.alerting.rules.rule_models import ThresholdRule
from controlsurface.alerting.rules.yaml_tree import parse_yaml
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


def write_rule_file(folder: Path, text: str, name: str = "r.yaml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def problems_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_rule_files([write_rule_file(folder, text)])
    return [line.removeprefix(f"{folder}/") for line in str(caught.value).splitlines()]


def test_a_rule_reads_as_it_is_written(tmp_path: Path) -> None:
    rule = load_rule_files([write_rule_file(tmp_path, GOOD)]).rules["EscalationRateHigh"]
    assert isinstance(rule, ThresholdRule)
    assert (rule.bound, rule.over.total_seconds(), rule.for_.total_seconds()) == (0.3, 5400, 600)
    assert rule.where_pairs == ("lane:small", "team:a", "team:")


def test_a_rule_file_reports_all_problems_at_once_with_line_place_and_nearest_name(tmp_path: Path) -> None:
    assert problems_of(tmp_path, BAD) == [
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
        ("groups: [", "r.yaml:1: expected the node content, but found"),
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
        ("? &a [*a]\n: 1", "r.yaml:1: a key must be a text"),
        ("{a: " * 50_000, "too deep"),  # libyaml's C code ends the process here
        (GOOD.replace("0.30", "9" * 5000), "r.yaml:11: groups[0].rules[0].above"),
        (GOOD.replace("above:", "\tabove:"), "r.yaml:11: found character '\\t' that cannot start any token"),
    ],
)
def test_an_invalid_rule_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert any(problem in line for line in problems_of(tmp_path, text))


def test_rule_test_files_are_not_found_as_rule_files(tmp_path: Path) -> None:
    kept = write_rule_file(tmp_path, GOOD)
    write_rule_file(tmp_path, "", "r.test.yaml")
    assert find_rule_files([tmp_path, kept]) == [kept]


def test_a_missing_rule_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        find_rule_files([tmp_path / "nowhere"])


def test_rules_can_be_left_out(tmp_path: Path) -> None:
    assert load_rule_files([write_rule_file(tmp_path, GOOD)]).without(["EscalationRateHigh"]) == RuleSet()


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"))) | st.sampled_from(
    ["on", "1:30", "~", "a: b"]
)
SCALARS = TEXTS | st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(-1e9, 1e9)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20)


@given(value=TREES, flow=st.sampled_from([None, True, False]), width=st.integers(20, 200), anchored=st.booleans())
def test_parse_yaml_reads_what_pyyaml_writes(value: Any, flow: bool | None, width: int, *, anchored: bool) -> None:
    written = [value, value] if anchored else value
    assert (
        parse_yaml(yaml.safe_dump(written, default_flow_style=flow, width=width, allow_unicode=True)).value == written
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[on, off, yes, No, y]", ["on", "off", "yes", "No", "y"]),
        ("[1_000, 1:30, 0x1F, 0o17, 010]", ["1_000", "1:30", "0x1F", "0o17", 10]),
        ("[TRUE, Null, .inf, 2026-01-05, =, !ours 5]", ["TRUE", "Null", ".inf", "2026-01-05", "=", 5]),
        ("[true, null, ~, -.5, 1., 1e3, +7]", [True, None, None, -0.5, 1.0, 1000.0, 7]),
        ("{1: a, on: b, null: c}", {"1": "a", "on": "b", "null": "c"}),
        ("k:\t0.3\t# why\nl: a\tb\tc", {"k": 0.3, "l": "a\tb\tc"}),
        ("k: |+\n \n   a\n\nl: >-\n\n  b\n  c", {"k": "\na\n\n", "l": "\nb c"}),
        ("[&a 1, *a, &a 2, *a]", [1, 1, 2, 2]),
    ],
)
def test_a_scalar_of_the_last_release_is_read_as_it_was(text: str, value: object) -> None:
    assert parse_yaml(text).value == value
    assert not parse_yaml(text).problems


def test_a_rule_file_with_words_of_older_yaml_stays_understood(tmp_path: Path) -> None:
    text = GOOD.replace("above: 0.30", "above: 1_000").replace("severity: page", "paged: on, 'since': 2026-01-05")
    rule = load_rule_files([write_rule_file(tmp_path, text)]).rules["EscalationRateHigh"]
    assert isinstance(rule, ThresholdRule)
    assert (rule.bound, rule.labels) == (1000, {"paged": "on", "since": "2026-01-05"})


@pytest.mark.parametrize(("name", "problem"), [("x:", "too deep or too large"), ("? ", "a key must be a text")])
def test_anchors_that_multiply_are_refused_at_the_bound(name: str, problem: str) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert problem in parse_yaml("\n  ".join([name, *lines])).problems[0][1]
