"""The arguments that all questions share: points in time, a window and filters, checked before any SQL is made."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from controlsurface.config import parse_duration
from controlsurface.errors import BadRequest
from controlsurface.explanations import explain

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)([Zz]|[+\- ]\d\d:\d\d))?", re.ASCII)
_RELATIVE = re.compile(r"-\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h|d|w)", re.ASCII)
# A baseline lies as long before a window as that is long, and a store counts nanoseconds from 1970 in 64 bits.
FIRST_YEAR, LAST_YEAR = 1970, 2199
_OUTSIDE_YEARS_TEXT = f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}"
_INSTANT_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "date"},
        {"type": "string", "pattern": r"^-\d{1,4}(ms|s|m|h|d|w)$"},
        {"const": "now", "type": "string"},
    ]
}
_DURATION_SCHEMA: dict[str, Any] = {"type": "string", "pattern": r"^[1-9]\d{0,2}(s|m|h|d)$"}


def parse_instant(value: object) -> object:
    """A point in time in UTC; a datetime without a zone is taken as UTC. Raises ValueError saying what may be written.

    >>> parse_instant("2026-01-09T13:00:00+01:00").isoformat()
    '2026-01-09T12:00:00+00:00'
    """
    if isinstance(value, str):
        return _within(_read(value), value)
    if not isinstance(value, datetime):
        return value
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"'{value}' is outside the years 1 to 9999") from None


def _read(text: str) -> datetime:
    """The datetime that `text` names."""
    if text == "now":
        return datetime.now(UTC)
    if _RELATIVE.fullmatch(text):
        return _ago(text)
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text[:60]}' is not a time; write 2026-01-09T12:00:00Z, 2026-01-09, now, or -24h")
    day, time, zone = match.groups()
    # An unescaped + in an address arrives as a space.
    return datetime.fromisoformat(f"{day}T{time or '00:00:00'}{(zone or 'Z').upper().replace(' ', '+')}")


def _ago(text: str) -> datetime:
    """`-24h` as a point in time."""
    past = parse_duration(text[1:])
    try:
        return datetime.now(UTC) - past if isinstance(past, timedelta) else datetime.now(UTC)
    except OverflowError:
        raise ValueError(f"'{text}' {_OUTSIDE_YEARS_TEXT}") from None


def _within(at: datetime, text: str) -> datetime:
    """The same point in UTC, where it lies in the years that can be reckoned with from both ends. Raises ValueError."""
    try:
        found = at.astimezone(UTC)
    except OverflowError:
        found = datetime.min.replace(tzinfo=UTC)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"'{text[:60]}' {_OUTSIDE_YEARS_TEXT}")
    return found


Instant = Annotated[datetime, BeforeValidator(parse_instant), WithJsonSchema(_INSTANT_SCHEMA)]
StepLength = Annotated[timedelta, BeforeValidator(parse_duration), WithJsonSchema(_DURATION_SCHEMA)]

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


class WeekRange(TimeRange):
    """When; by itself the last seven days."""

    start: Instant | None = Field(None, description="first moment, RFC 3339 or relative (-7d); none: 7 days before end")
    end: Instant | None = Field(None, description="moment after the last; none: now")

    @property
    def window(self) -> tuple[datetime, datetime]:
        """From when to when, as far back as dates go."""
        end = self.end or datetime.now(UTC)
        return self.start or end - min(timedelta(days=7), end - datetime.min.replace(tzinfo=UTC)), end


class FilteredRange(TimeRange):
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
