"""Who owes what: the calls of one week by team, task type, lane, model or whatever else they can be broken down by.

Everything is summed as DECIMAL, so that a week has the same figures however it is broken down and however often it is
asked. A week is ISO 8601's: Monday to Sunday, in UTC.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from controlsurface.metrics.arguments import Arguments, Names, Window
from controlsurface.metrics.dimensions import known
from controlsurface.metrics.measures import PRICED
from controlsurface.metrics.statement import Statement, conditions, row_limit, where

TOKENS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
ADDED = ("attempts", *TOKENS, "billable_attempts", "priced_attempts", "cost_usd")
USUAL = ("team", "task_type", "lane", "model")

_WEEK = re.compile(r"([12]\d{3})-W(\d\d)", re.ASCII)
_DAYS = timedelta(days=7)


def _possible(text: str) -> str:
    """The week itself. Raises ValueError for one that no calendar has."""
    monday(text)
    return text


Week = Annotated[
    str, AfterValidator(_possible), WithJsonSchema({"type": "string", "pattern": "^20[0-9]{2}-W(0[1-9]|[1-4][0-9])$"})
]


class AttributionArgs(Arguments):
    """A week, and what to break its calls down by."""

    week: Week = Field(description="ISO 8601 week in UTC, such as 2026-W47")
    by: Names = Field((), max_length=6, description="up to six dimensions of attempts, comma-separated or repeated")

    @property
    def window(self) -> Window:
        """From Monday to the next one."""
        return Window(start=monday(self.week), end=monday(self.week) + _DAYS)

    def closed(self, now: datetime) -> bool:
        """Whether the week is over."""
        return monday(self.week) + _DAYS <= now


def monday(week: str) -> datetime:
    """When a week begins. Raises ValueError for one that no calendar has.

    >>> monday("2026-W47").isoformat()
    '2026-11-16T00:00:00+00:00'
    """
    match = _WEEK.fullmatch(week)
    year, number = (int(match[1]), int(match[2])) if match else (0, 0)
    try:
        day = date.fromisocalendar(year, number, 1)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        raise ValueError(f"'{week[:60]}' is not a week; write 2026-W47") from None


def week_of(moment: datetime) -> str:
    """The week that a moment lies in.

    >>> week_of(datetime(2027, 1, 1, tzinfo=UTC))
    '2026-W53'
    """
    year, week, _ = moment.astimezone(UTC).isocalendar()
    return f"{year:04}-W{week:02}"


def render(args: AttributionArgs) -> Statement:
    """The statement whose rows are the dimensions, requests, ADDED, priced_share, last_at, one for each group.

    A request with calls in several groups counts in each of them; all other columns but the share add up. Figures are
    weighted like the metrics. What nobody said is null, and so is the cost of a group without any price. Requests are
    told apart by 64 bits: of ten million in a week, two would be taken for one once in 370,000 weeks.
    """
    keys = list(dict.fromkeys(known("attempts", name) for name in args.by))
    found, parameters = conditions("attempts", args.window)
    calls, requests = (f"FROM attempts AS r{where(each)}" for each in (found, [*found, "r.request_id IS NOT NULL"]))
    grouped = f"GROUP BY {', '.join(keys)}" if keys else "HAVING count(*) > 0"
    order = f"ORDER BY {', '.join(f'{key} NULLS LAST' for key in keys)}\n" if keys else ""
    shown = _listed([*keys, "coalesce(requests, 0) AS requests", *ADDED, _SHARE, "last_at"], 4)
    sql = (
        f"WITH apart AS (\n    SELECT {_group('r', keys)} AS of, max({_WEIGHT}) AS weight\n"
        f"    {requests}\n    GROUP BY of, hash(r.request_id)\n),\n"
        f"counted AS (\n    SELECT of, sum(weight) AS requests FROM apart GROUP BY of\n),\n"
        f"calls AS (\n    SELECT\n        {_listed([*keys, *_SUMMED], 8)}\n    {calls}\n    {grouped}\n)\n"
        f"SELECT\n    {shown}\nFROM calls LEFT JOIN counted ON of = {_group('calls', keys)}\n{order}LIMIT $row_limit"
    )
    return Statement(sql, parameters | row_limit())


def _group(table: str, keys: list[str]) -> str:
    """A number for a row's group: to count millions of requests by one is three times quicker than by names."""
    return f"hash({', '.join(f'{table}.{key}' for key in keys) or 0})"


def _listed(columns: list[str], indent: int) -> str:
    """Columns on lines of their own."""
    return (",\n" + " " * indent).join(columns)


_WEIGHT = "CAST(r.sample_weight AS DECIMAL(18, 6))"

_SUMMED = (
    f"sum({_WEIGHT}) AS attempts",
    *(f"sum({_WEIGHT} * r.{name}) AS {name}" for name in TOKENS),
    f"sum(CASE WHEN r.billable THEN {_WEIGHT} ELSE 0 END) AS billable_attempts",
    f"sum(CASE WHEN r.billable AND {PRICED} THEN {_WEIGHT} ELSE 0 END) AS priced_attempts",
    f"sum({_WEIGHT} * r.cost_usd) AS cost_usd",
    "max(r.started_at) AS last_at",
)
_SHARE = "CAST(priced_attempts AS DOUBLE) / nullif(CAST(billable_attempts AS DOUBLE), 0) AS priced_share"
