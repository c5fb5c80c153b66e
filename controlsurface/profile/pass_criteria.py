"""When an answer passes: criteria of a task type, written down in TOML beside the prompts.

    version = 3                     # of these criteria; it stands in every result
    [default]
    score = 0.5                     # column `score` at least
    [tasks.extraction]
    schema = "invoice.schema.json"  # the answer is JSON that fits (JSON Schema), a path beside this file
    [tasks.arithmetic]
    numeric = 1e-6                  # the last number of the answer is that of `expected`, so close relatively
    [tasks.triage]
    labels = ["billing", "outage"]  # the answer is one of them, and the `expected` one where there is one
    [tasks.dates]
    regex = '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'  # is found in the answer
    [tasks.capitals]
    exact = true                    # the answer is `expected`, but for case and white space
    [tasks.summaries]
    judge = 0.7                     # column `judge_score` at least

All criteria of a task type must hold. An answer that lacks what a criterion needs is not judged, and counts as such.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from math import isclose
from pathlib import Path
from typing import Any

import jsonschema
import orjson
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from pydantic import Field, field_validator

from controlsurface.config.section import ConfigSection
from controlsurface.errors import ConfigError
from controlsurface.explanations import read_toml

Answer = Mapping[str, Any]  # a row of read_answers
_NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


class PassCriterion(ConfigSection):
    """What an answer must be; without any criterion `score` 0.5 holds."""

    score: float | None = None
    judge: float | None = None
    exact: bool = False
    numeric: float | None = Field(None, ge=0)
    regex: str | None = None
    labels: tuple[str, ...] = ()
    schema_file: str | None = Field(None, alias="schema")
    folder: Path = Field(Path(), exclude=True)  # what `schema` is relative to

    @field_validator("regex")
    @classmethod
    def _compiles(cls, text: str | None) -> str | None:
        try:
            re.compile(text or "")
        except re.error as problem:
            raise ValueError(f"no regular expression: {problem}") from None
        return text

    def passes(self, answer: Answer) -> bool | None:
        """Whether an answer passes; None where it lacks what a criterion needs and fails none that can be held."""
        held = [check(answer) for check in self.checks]
        if False in held:
            return False
        return None if None in held else True

    @cached_property
    def checks(self) -> list[Callable[[Answer], bool | None]]:
        """What each criterion says of an answer. Raises ConfigError for a schema that cannot be read."""
        return [*self._given()] or [lambda answer: _at_least(answer["score"], 0.5)]

    def _given(self) -> Iterator[Callable[[Answer], bool | None]]:
        if (score := self.score) is not None:
            yield lambda answer: _at_least(answer["score"], score)
        if (judge := self.judge) is not None:
            yield lambda answer: _at_least(answer["judge_score"], judge)
        if self.exact:
            yield lambda answer: _both(answer, lambda given, expected: _folded(given) == _folded(expected))
        if (tolerance := self.numeric) is not None:
            yield lambda answer: _both(answer, lambda given, expected: _same_number(given, expected, tolerance))
        if self.regex is not None:
            pattern = re.compile(self.regex)
            yield lambda answer: _of_text(answer, lambda given: pattern.search(given) is not None)
        if self.labels:
            yield self._is_label
        if self.schema_file is not None:
            validator = _schema_validator(self.folder / self.schema_file)
            yield lambda answer: _of_text(answer, lambda given: _fits(validator, given))

    def _is_label(self, answer: Answer) -> bool | None:
        labels, expected = {*map(_folded, self.labels)}, answer["expected"]
        wanted = labels if expected is None else labels & {_folded(expected)}
        return _of_text(answer, lambda given: _folded(given) in wanted)


class PassCriteria(ConfigSection):
    """The whole file."""

    version: int = Field(1, ge=1)
    default: PassCriterion | None = None
    tasks: dict[str, PassCriterion] = Field(default_factory=dict)

    def of(self, task_type: str) -> PassCriterion | None:
        """What holds for a task type; None where the file says nothing."""
        return self.tasks.get(task_type, self.default)


def read_criteria(path: Path | None) -> PassCriteria:
    """The criteria in `path`; without a file a score of 0.5 passes, whatever the task. Raises ConfigError."""
    if path is None:
        return PassCriteria(default=PassCriterion())
    found = read_toml(path, PassCriteria)
    default = _beside(found.default, path) if found.default else None
    tasks = {task: _beside(each, path) for task, each in found.tasks.items()}
    return found.model_copy(update={"default": default, "tasks": tasks})


def _beside(criterion: PassCriterion, path: Path) -> PassCriterion:
    """The criterion of a file, whose schema lies beside it. Raises ConfigError."""
    found = criterion.model_copy(update={"folder": path.parent})
    _ = found.checks  # a schema that cannot be read is said here
    return found


def _at_least(value: float | None, bound: float) -> bool | None:
    return None if value is None else value >= bound


def _of_text(answer: Answer, holds: Callable[[str], bool]) -> bool | None:
    return None if answer["answer"] is None else holds(answer["answer"])


def _both(answer: Answer, same: Callable[[str, str], bool]) -> bool | None:
    expected = answer["expected"]
    return None if expected is None else _of_text(answer, lambda given: same(given, expected))


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _same_number(given: str, expected: str, tolerance: float) -> bool:
    """Models write the way to a number before it, so the last one counts; thousands may have commas."""
    one, other = (_NUMBER.findall(text) for text in (given, expected))
    if not (one and other):
        return False
    return isclose(*(float(each[-1].replace(",", "")) for each in (one, other)), rel_tol=tolerance, abs_tol=1e-12)


def _fits(validator: Validator, text: str) -> bool:
    try:
        return bool(validator.is_valid(orjson.loads(_unfenced(text))))
    except orjson.JSONDecodeError:
        return False


def _unfenced(text: str) -> str:
    """What stands within a code fence, where a model wrote one around its JSON."""
    fenced = re.fullmatch(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", text, re.DOTALL)
    return fenced[1] if fenced else text


def _schema_validator(path: Path) -> Validator:
    """Raises ConfigError where the file holds no JSON Schema."""
    try:
        schema = orjson.loads(path.read_bytes())
        kind = validator_for(schema)
        kind.check_schema(schema)
    except (OSError, orjson.JSONDecodeError, jsonschema.SchemaError) as problem:
        raise ConfigError(f"{path}: no JSON Schema: {str(problem).splitlines()[0]}") from None
    return kind(schema)
