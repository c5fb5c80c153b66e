"""A mapping file: which columns of a table fill which fields of requests and attempts, and what these fields are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from controlsurface.config.section import ConfigSection, Duration
from controlsurface.errors import ConfigError, did_you_mean
from controlsurface.explanations import read_toml
from controlsurface.shipped_paths import COLLECTORS

FieldKind = Literal["text", "whole", "number", "flag", "time"]


@dataclass(frozen=True, slots=True)
class TableField:
    """A field's type and its span attribute; empty where the span itself carries it. `scale` leads to its unit."""

    kind: FieldKind
    attribute: str = ""
    scale: float = 1.0


REQUEST_FIELDS = {
    "started_at": TableField("time"),
    "duration_ms": TableField("number"),
    "service": TableField("text"),
    "request_id": TableField("text", "controlsurface.request_id"),
    "session_id": TableField("text", "session.id"),
    "user_id": TableField("text", "user.id"),
    "task_type": TableField("text", "controlsurface.task_type"),
    "lane": TableField("text", "controlsurface.lane"),
    "router": TableField("text", "controlsurface.router.name"),
    "router_version": TableField("text", "controlsurface.router.version"),
    "reason": TableField("text", "controlsurface.router.reason"),
    "confidence": TableField("number", "controlsurface.router.confidence"),
    "confidence_kind": TableField("text", "controlsurface.router.confidence_kind"),
    "threshold": TableField("number", "controlsurface.router.threshold"),
    "selected_model": TableField("text", "controlsurface.router.model"),
    "escalation_reason": TableField("text", "controlsurface.escalation.reason"),
    "cache_hit": TableField("flag", "controlsurface.cache.hit"),
    "cache": TableField("text", "controlsurface.cache.kind"),
    "mode": TableField("text", "controlsurface.mode"),
    "tenant": TableField("text", "controlsurface.tenant"),
    "team": TableField("text", "controlsurface.team"),
    "job": TableField("text", "controlsurface.job"),
    "environment": TableField("text", "controlsurface.environment"),
    "error_type": TableField("text", "error.type"),
}
ATTEMPT_FIELDS = {
    "offset_ms": TableField("number"),
    "duration_ms": TableField("number"),
    "model": TableField("text", "gen_ai.request.model"),
    "provider": TableField("text", "gen_ai.provider.name"),
    "lane": TableField("text", "controlsurface.lane"),
    "purpose": TableField("text", "controlsurface.purpose"),
    "ttft_ms": TableField("number", "gen_ai.response.time_to_first_chunk", 0.001),
    "input_tokens": TableField("whole", "gen_ai.usage.input_tokens"),
    "cached_tokens": TableField("whole", "gen_ai.usage.cache_read.input_tokens"),
    "cache_write_tokens": TableField("whole", "gen_ai.usage.cache_write.input_tokens"),
    "output_tokens": TableField("whole", "gen_ai.usage.output_tokens"),
    "reasoning_tokens": TableField("whole", "gen_ai.usage.reasoning.output_tokens"),
    "cost_usd": TableField("number", "controlsurface.cost_usd"),
    "gate": TableField("text", "controlsurface.quality_gate.name"),
    "gate_passed": TableField("flag", "controlsurface.quality_gate.passed"),
    "answer_label": TableField("text", "controlsurface.answer.label"),
    "sampling_probability": TableField("number", "controlsurface.sampling.probability"),
    "error_type": TableField("text", "error.type"),
}

SHIPPED_MAPPINGS = COLLECTORS / "mappings"
MappedValue = bool | int | float | str
_FITS: dict[str, set[FieldKind]] = {"scale": {"number", "whole"}, "time": {"time"}, "equals": {"flag"}}


class FieldSource(ConfigSection):
    """Where a field's value comes from: a column, changed in at most one way, or a constant."""

    column: str = Field("", description="name of the table's column")
    const: datetime | MappedValue | None = Field(None, description="a fixed value, instead of a column")
    scale: float | None = Field(None, description="factor to the field's unit")
    time: str | None = Field(None, description="how times are written: iso, unix, unix_ms, or a strptime format; UTC")
    equals: MappedValue | None = Field(None, description="true where the column says this")
    values: dict[str, MappedValue] | None = Field(None, description="their word = ours; any other word is an error")
    every: Duration | None = Field(None, description="with a constant time: how far apart rows are")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """A bare string is a column."""
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.column) == (self.const is not None):
            raise ValueError("give either column or const")
        if len(self.changes()) > 1 or (self.changes() and not self.column):
            raise ValueError(f"{', '.join(self.changes())}: give one of them at most, and a column")
        if self.every and not isinstance(self.const, datetime):
            raise ValueError("every needs a const that is a time")
        return self

    def changes(self) -> list[str]:
        """What is done to the column's values."""
        return [name for name in ("scale", "time", "equals", "values") if getattr(self, name) is not None]


class RowCondition(ConfigSection):
    """Rows in which a column says one thing, or anything at all."""

    column: str
    equals: MappedValue | None = None
    present: bool | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.equals is None) == (self.present is None):
            raise ValueError("give either equals or present")
        return self


FieldSources = dict[str, FieldSource]


class AttemptMapping(ConfigSection):
    """A model call of each row; `shadow` answers the request again, `when` says in which rows it happened."""

    shadow: bool = False
    when: RowCondition | None = None
    columns: FieldSources

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        """In the file, fields stand beside `shadow` and `when`."""
        if not isinstance(value, dict) or "columns" in value:
            return value
        own = {name: value[name] for name in ("shadow", "when") if name in value}
        return {**own, "columns": {name: source for name, source in value.items() if name not in own}}

    @model_validator(mode="after")
    def _known(self) -> Self:
        _check(self.columns, ATTEMPT_FIELDS)
        return self


class TableMapping(ConfigSection):
    """The whole file."""

    name: str = Field(min_length=1, description="part of every id: under another name the same table is imported anew")
    about: str = ""
    optional: bool = Field(False, description="leave out fields whose column the table lacks; never started_at")
    only: tuple[RowCondition, ...] = Field((), description="rows that count: all of these must hold")
    request: FieldSources
    attempts: tuple[AttemptMapping, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        _check(self.request, REQUEST_FIELDS)
        if "started_at" not in self.request:
            raise ValueError("request has no started_at; a table without times takes { const = TIME, every = '1s' }")
        return self

    def conditions(self) -> Iterator[tuple[str, RowCondition]]:
        """Every condition, with its place in the file."""
        for i, condition in enumerate(self.only):
            yield f"only.{i}", condition
        for i, attempt in enumerate(self.attempts):
            if attempt.when:
                yield f"attempts.{i}.when", attempt.when

    def sources(self) -> Iterator[tuple[str, FieldSource, TableField]]:
        """Every source, with its place in the file and the field it fills."""
        for name, source in self.request.items():
            yield f"request.{name}", source, REQUEST_FIELDS[name]
        for i, attempt in enumerate(self.attempts):
            for name, source in attempt.columns.items():
                yield f"attempts.{i}.{name}", source, ATTEMPT_FIELDS[name]


def read_mapping(path: Path) -> TableMapping:
    """The mapping in a file, or the shipped one of that name. Raises ConfigError naming every problem."""
    found = path if path.is_file() else SHIPPED_MAPPINGS / f"{path.name.removesuffix('.toml')}.toml"
    if not found.exists():
        known = sorted(each.stem for each in SHIPPED_MAPPINGS.glob("*.toml"))
        raise ConfigError(f"{path}: no such mapping{did_you_mean(path.stem, known)}; shipped: {', '.join(known)}")
    return read_toml(found, TableMapping)


def _check(columns: FieldSources, known: dict[str, TableField]) -> None:
    """Raises ValueError for a field that does not exist, or a change that does not fit its type."""
    for name, source in columns.items():
        if name not in known:
            raise ValueError(f"{name}: no such field{did_you_mean(name, known)}")
        kind = known[name].kind
        for change in source.changes():
            if kind not in _FITS.get(change, {kind}):
                raise ValueError(f"{name}: {change} makes no {kind}")
        if source.const is not None and not _is(source.const, kind):
            raise ValueError(f"{name}: {source.const!r} is no {kind}")


def _is(value: datetime | MappedValue, kind: FieldKind) -> bool:
    """Whether a constant is of a field's type."""
    if isinstance(value, bool) or kind == "flag":
        return isinstance(value, bool) and kind == "flag"
    if kind == "number":
        return isinstance(value, int | float)
    return isinstance(value, {"text": str, "whole": int, "time": datetime}[kind])
