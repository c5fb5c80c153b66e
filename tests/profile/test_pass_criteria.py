"""When an answer passes: each criterion, and what is said of files that cannot be read."""

import json
from pathlib import Path
from typing import Any

import pytest

from controlsurface.errors import ConfigError
from controlsurface.profile.pass_criteria import PassCriteria, read_criteria

SCHEMA = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}


def criteria(folder: Path, text: str) -> PassCriteria:
    (folder / "invoice.json").write_text(json.dumps(SCHEMA), "utf-8")
    path = folder / "criteria.toml"
    path.write_text(text, "utf-8")
    return read_criteria(path)


def passes(folder: Path, criterion: str, **answer: Any) -> bool | None:
    found = criteria(folder, f"[default]\n{criterion}\n").of("any")
    assert found is not None
    empty = dict.fromkeys(("answer", "expected", "score", "judge_score"))
    return found.passes(empty | answer)


@pytest.mark.parametrize(
    ("criterion", "answer", "verdict"),
    [
        ("score = 0.7", {"score": 0.7}, True),
        ("score = 0.7", {"score": 0.69}, False),
        ("score = 0.7", {}, None),
        ("judge = 0.5", {"judge_score": 0.4}, False),
        ("exact = true", {"answer": " Paris\n", "expected": "paris"}, True),
        ("exact = true", {"answer": "Paris, France", "expected": "Paris"}, False),
        ("exact = true", {"answer": "Paris"}, None),
        ("numeric = 0", {"answer": "6 times 7 is 42.", "expected": "42"}, True),
        ("numeric = 0", {"answer": "It is $1,024.50.", "expected": "1024.5"}, True),
        ("numeric = 0", {"answer": "42 of 50", "expected": "42"}, False),
        ("numeric = 1e-3", {"answer": "3.1416", "expected": "3.14159"}, True),
        ("numeric = 1e-9", {"answer": "3.1416", "expected": "3.14159"}, False),
        ("numeric = 0", {"answer": "I cannot say", "expected": "42"}, False),
        ("numeric = 0", {"answer": "-7", "expected": "7"}, False),
        ("regex = '^[0-9]{4}$'", {"answer": "2026"}, True),
        ("regex = '^[0-9]{4}$'", {"answer": "in 2026"}, False),
        ('labels = ["billing", "outage"]', {"answer": "Billing"}, True),
        ('labels = ["billing", "outage"]', {"answer": "other"}, False),
        ('labels = ["billing", "outage"]', {"answer": "billing", "expected": "outage"}, False),
        ('labels = ["billing", "outage"]', {"answer": "other", "expected": "other"}, False),
        ('schema = "invoice.json"', {"answer": '{"total": 3}'}, True),
        ('schema = "invoice.json"', {"answer": '```json\n{"total": 3}\n```'}, True),
        ('schema = "invoice.json"', {"answer": '{"total": "3"}'}, False),
        ('schema = "invoice.json"', {"answer": '{"total": 3'}, False),
        ('schema = "invoice.json"', {"answer": ""}, False),
        ('schema = "invoice.json"', {}, None),
    ],
)
def test_an_answer_passes_by_its_criterion(
    tmp_path: Path, criterion: str, answer: dict[str, Any], verdict: bool | None
) -> None:
    assert passes(tmp_path, criterion, **answer) is verdict


def test_all_criteria_must_hold_and_one_that_fails_decides_though_another_cannot_be_held(tmp_path: Path) -> None:
    both = "regex = '[0-9]'\njudge = 0.5"
    assert passes(tmp_path, both, answer="7", judge_score=0.9) is True
    assert passes(tmp_path, both, answer="7") is None
    assert passes(tmp_path, both, answer="seven") is False


def test_a_task_without_criteria_has_none_where_no_default_is_given(tmp_path: Path) -> None:
    found = criteria(tmp_path, "version = 3\n[tasks.chat]\nscore = 0.9\n")
    assert found.version == 3
    assert found.of("chat") is not None
    assert found.of("code") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tasks.chat]\nregx = 'a'\n", "regex"),
        ("[tasks.chat]\nregex = '('\n", "no regular expression"),
        ("[tasks.chat]\nschema = 'none.json'\n", "none.json"),
        ("[tasks.chat]\nscore = 'high'\n", "score"),
        ("[tasks.chat\n", "criteria.toml"),
    ],
)
def test_criteria_that_cannot_be_held_are_refused_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        criteria(tmp_path, text)
