"""Who owes what: requests and calls of one week by team, task type, lane, model or whatever else calls have.

Everything is summed as DECIMAL, so that a week has the same figures however it is broken down and however often it is
asked. A week is ISO 8601's: Monday to Sunday, in UTC; a single day can stand in its place.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from controlsurface.metrics.measures import IS_PRICED_SQL
from controlsurface.query.arguments import Arguments, FilteredRange, NameList
from controlsurface.query.dimensions import DIMENSIONS, dimension_column
from controlsurface.query.statement import Statement, row_limit, where_clause, window_conditions

TOKEN_COLUMNS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
SUMMED_COLUMNS = ("attempts", *TOKEN_COLUMNS, "billable_attempts", "priced_attempts", "cost_usd")
DEFAULT_DIMENSIONS = ("team", "task_type", "lane", "model")

_WEEK = re.compile(r"([12]\d{3})-W(\d\d)", re.ASCII)
_DAY = re.compile(r"[12]\d{3}-\d\d-\d\d", re.ASCII)
_WEEK_LENGTH, _DAY_LENGTH = timedelta(days=7), timedelta(days=1)


def _possible(text: str) -> str:
    """The week itself. Raises ValueError for one that no calendar has."""
    week_start(text)
    return text


Week = Annotated[
    str,
    AfterValidator(_possible),
    WithJsonSchema(
        {"type": "string", "pattern": "^20[0-9]{2}-(W(0[1-9]|[1-4][0-9])|(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8]))$"}
    ),
]


class AttributionArgs(Arguments):
    """A week, and what to break its calls down by."""

    week: Week = Field(description="ISO 8601 week in UTC, such as 2026-W47, or a day, 2026-11-16")
    by: NameList = Field((), max_length=6, description="up to six dimensions of attempts, comma-separated or repeated")

    @property
    def window(self) -> FilteredRange:
        """From Monday to the next one; of a day, from midnight to midnight."""
        return FilteredRange(start=week_start(self.week), end=week_end(self.week))

    def closed(self, now: datetime) -> bool:
        """Whether the week is over."""
        return week_end(self.week) <= now


def week_end(week: str) -> datetime:
    """When a week, or a day in its place, is over.

    >>> week_end("2026-W47").isoformat(), week_end("2026-11-16").isoformat()
    ('2026-11-23T00:00:00+00:00', '2026-11-17T00:00:00+00:00')
    """
    return week_start(week) + (_DAY_LENGTH if _DAY.fullmatch(week) else _WEEK_LENGTH)


def week_start(week: str) -> datetime:
    """When a week, or a day in its place, begins. Raises ValueError for one that no calendar has.

    >>> week_start("2026-W47").isoformat()
    '2026-11-16T00:00:00+00:00'
    """
    match = _WEEK.fullmatch(week)
    year, number = (int(match[1]), int(match[2])) if match else (0, 0)
    try:
        day = date.fromisoformat(week) if _DAY.fullmatch(week) else date.fromisocalendar(year, number, 1)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        raise ValueError(f"'{week[:60]}' is not a week; write 2026-W47, or a day, 2026-11-16") from None


def days_of(args: AttributionArgs) -> list[date]:
    """The days of a week, or the one day in its place."""
    count = (week_end(args.week) - week_start(args.week)) // _DAY_LENGTH
    return [(week_start(args.week) + number * _DAY_LENGTH).date() for number in range(count)]


def week_of(moment: datetime) -> str:
    """The week that a moment lies in.

    >>> week_of(datetime(2027, 1, 1, tzinfo=UTC))
    '2026-W53'
    """
    year, week, _ = moment.astimezone(UTC).isocalendar()
    return f"{year:04}-W{week:02}"


def render_attribution(args: AttributionArgs) -> Statement:
    """The statement whose rows are the dimensions, requests, ADDED, priced_share, last_at, one for each group.

    All columns but the share add up. Requests are those of the metric `requests`, answers from caches included: each
    counts once, in the group of what it is itself, and for what only calls have (DIMENSIONS), of the call that answered
    it. So a group may have calls and no requests: tries that were not good enough, or calls of requests of the week
    before. Figures are weighted like the metrics. What nobody said is null, and so is the cost of calls without any
    price; where there are no calls, nothing is owed.
    """
    keys = list(dict.fromkeys(dimension_column("attempts", name) for name in args.by))
    found, parameters = window_conditions("attempts", args.window)
    within = where_clause(found)
    listed = _listed([*keys, *(f"{figure} AS {name}" for name, figure in _FIGURES.items()), _SHARE, "last_at"])
    summed = _listed([*keys, *(f"sum({name}) AS {name}" for name in _FIGURES), "max(last_at) AS last_at"])
    order = f"ORDER BY {', '.join(f'{key} NULLS LAST' for key in keys)}\n" if keys else ""
    sql = (
        f"WITH {_answering(keys, within)}both_ AS (\n"
        f"    SELECT {_listed([*keys, *_SUMMED], 8)}\n    FROM attempts AS r{within}\n    {_grouped(keys)}\n"
        f"    UNION ALL BY NAME\n    {_asked(keys, within)}\n),\n"
        f"summed AS (\n    SELECT\n    {summed}\n    FROM both_\n    {_grouped(keys)}\n)\n"
        f"SELECT\n    {listed}\nFROM summed\n{order}LIMIT $row_limit"
    )
    return Statement(sql, parameters | row_limit(), "attribution.week")


def _grouped(keys: list[str]) -> str:
    """A GROUP BY; without keys no row for nothing."""
    return f"GROUP BY {', '.join(keys)}" if keys else "HAVING count(*) > 0"


def _of_calls(keys: list[str]) -> list[str]:
    """What requests do not have themselves."""
    return [key for key in keys if key not in DIMENSIONS["requests"]]


def _unsaid(keys: list[str]) -> tuple[str, str]:
    """Which requests a call has to be looked for, and which calls it may be, as SQL; empty for none.

    A request names the model that answered it, so for the model they are few: those of which no call gave the answer.
    """
    wanted = _of_calls(keys)
    if wanted == ["model"]:
        return "r.answered_by IS NULL AND r.attempts > 0 AND (r.failed OR r.cache IS NOT NULL)", "answered IS NOT TRUE"
    return ("TRUE", "TRUE") if wanted else ("", "")


def _answering(keys: list[str], within: str) -> str:
    """The CTE of what the call that speaks for a request was: the one that answered, else the last one.

    Stores of former releases do not say which answered: there it is the last one that did not fail. Requests are told
    apart by 64 bits, which is quicker than by name: of ten million in a week, two would be taken for one once in
    370,000 weeks.
    """
    wanted, (requests, calls) = _of_calls(keys), _unsaid(keys)
    if not wanted:
        return ""
    packed = ", ".join(f"'{key}': {key}" for key in wanted)
    ended = "started_at + to_microseconds(CAST(coalesce(duration_ms, 0) * 1000 AS BIGINT))"
    return (
        f"unsaid AS (\n    SELECT hash(request_id) AS of\n    FROM requests AS r{within}\n"
        f"        AND {requests}\n),\n"
        "answering AS (\n"
        "    SELECT hash(request_id) AS of,\n"
        f"        arg_max({{{packed}}}, (answered IS TRUE, NOT failed, {ended}, started_at, span_id)) AS a\n"
        "    FROM attempts\n    WHERE purpose = 'user' AND request_id IS NOT NULL\n"
        "        AND started_at >= $start - INTERVAL 1 HOUR AND started_at < $end + INTERVAL 1 DAY\n"
        f"        AND {calls} AND hash(request_id) IN (FROM unsaid)\n"
        "    GROUP BY of\n),\n"
    )


def _asked(keys: list[str], within: str) -> str:
    """The requests of each group: those that say all themselves, and those for which a call speaks."""
    unsaid, _ = _unsaid(keys)
    own = ", ".join([*(f"r.{_SAID_BY_REQUESTS.get(key, key)} AS {key}" for key in keys), _REQUESTS])
    if not unsaid:
        return f"SELECT {own}\n    FROM requests AS r{within}\n    {_grouped(keys)}"
    columns = [f"answering.a.{key} AS {key}" if key in _of_calls(keys) else f"r.{key} AS {key}" for key in keys]
    looked_up = (
        f"SELECT {', '.join([*columns, _REQUESTS])}\n"
        f"    FROM requests AS r LEFT JOIN answering ON of = hash(r.request_id){within}\n"
        f"        AND {unsaid}\n    {_grouped(keys)}"
    )
    if unsaid == "TRUE":
        return looked_up
    grouped = (
        f"SELECT {own}, {unsaid} AS unsaid\n        FROM requests AS r{within}\n        {_grouped([*keys, 'unsaid'])}"
    )
    own_word = f"SELECT * EXCLUDE unsaid FROM (\n        {grouped}\n    )\n    WHERE NOT unsaid"
    return f"{own_word}\n    UNION ALL BY NAME\n    {looked_up}"


def _listed(columns: list[str], indent: int = 4) -> str:
    """Columns on lines of their own."""
    return (",\n" + " " * indent).join(columns)


_SAID_BY_REQUESTS = {"model": "answered_by"}
_WEIGHT = "CAST(r.sample_weight AS DECIMAL(18, 6))"
_REQUESTS = f"sum({_WEIGHT}) AS requests"

_SUMMED = (
    f"sum({_WEIGHT}) AS attempts",
    *(f"sum({_WEIGHT} * r.{name}) AS {name}" for name in TOKEN_COLUMNS),
    f"sum(CASE WHEN r.billable THEN {_WEIGHT} ELSE 0 END) AS billable_attempts",
    f"sum(CASE WHEN r.billable AND {IS_PRICED_SQL} THEN {_WEIGHT} ELSE 0 END) AS priced_attempts",
    f"sum({_WEIGHT} * r.cost_usd) AS cost_usd",
    "max(r.started_at) AS last_at",
)
# With what they are where there are no calls.
_FIGURES = {
    "requests": "coalesce(requests, 0)",
    **{name: f"CASE WHEN summed.attempts IS NULL THEN 0 ELSE summed.{name} END" for name in SUMMED_COLUMNS},
}
_SHARE = "CAST(summed.priced_attempts AS DOUBLE) / nullif(CAST(summed.billable_attempts AS DOUBLE), 0) AS priced_share"
