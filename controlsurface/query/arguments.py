"""The arguments that all questions share: a time window and filters, checked before any SQL is made."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from controlsurface.errors import BadRequest
from controlsurface.explanations import explain
from controlsurface.query.times import Instant

ArgumentText = Annotated[str, Field(max_length=1000)]


def split_names(value: object) -> object:
    """`a,b` and `["a,b", "c"]` as a list of names; empty ones are dropped."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        return value
    return tuple(name for part in parts for name in part.split(",") if name)


NameList = Annotated[tuple[ArgumentText, ...], BeforeValidator(split_names)]


class Arguments(BaseModel):
    """Frozen, complete, and never half understood: anything odd is a BadRequest that names the argument."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _understood(cls, data: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        """Turn pydantic's errors into one BadRequest."""
        try:
            return read(data)
        except ValidationError as problem:
            raise BadRequest("; ".join(explain(problem, cls, "argument"))) from None

    def pairs(self) -> list[tuple[str, str]]:
        """The arguments as an address carries them; defaults are left out."""
        given = self.model_dump(exclude_defaults=True)
        return [(name, argument_text(value)) for name, values in given.items() for value in _each(values)]


class TimeRange(Arguments):
    """When. Without `start` and `end` all of time."""

    start: Instant | None = Field(None, description="first moment, RFC 3339 or relative (-24h)")
    end: Instant | None = Field(None, description="moment after the last, RFC 3339 or relative (-1h)")

    @model_validator(mode="after")
    def _forward(self) -> Self:
        """Refuse a window that ends before it starts."""
        if self.start and self.end and self.end < self.start:
            raise BadRequest(f"end {self.end.isoformat()} lies before start {self.start.isoformat()}")
        return self


class FilteredTimeRange(TimeRange):
    """When, and which rows."""

    where: tuple[ArgumentText, ...] = Field(
        (),
        max_length=100,
        description="dimension:value; repeated: any value of one dimension, all dimensions; empty value: unknown",
    )

    def filters(self) -> Mapping[str, tuple[str | None, ...]]:
        """Each filtered dimension and the values it may have; None is unknown. Raises BadRequest without a colon."""
        found: dict[str, tuple[str | None, ...]] = {}
        for text in self.where:
            name, colon, value = text.partition(":")
            if not colon:
                raise BadRequest(f"where: '{text}' is not dimension:value")
            found[name] = (*found.get(name, ()), value or None)
        return found


def argument_text(value: object) -> str:
    """A value as an address carries it; the inverse of what the models read."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value / timedelta(microseconds=1) / 1e6!r}s"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _each(value: object) -> tuple[object, ...]:
    """A list's items, or the one value."""
    return value if isinstance(value, tuple) else (value,)
