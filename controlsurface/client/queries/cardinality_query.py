"""How many values each dimension has, and what of them went to `(other)`."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from controlsurface.client.arrow_tables import COUNT, MAYBE_TEXT, TEXT, columns, list_of
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.config.query_limits import OPEN_DIMENSIONS, OTHER_VALUE
from controlsurface.query.arguments import TimeRange
from controlsurface.query.dimensions import DIMENSIONS
from controlsurface.query.statement import Statement

DEFAULT_WINDOW = timedelta(days=7)  # where nobody says which

# The number of values behind 256 least hashes is told from how dense these lie.
_VALUES = """
WITH seated AS (
    SELECT dimension, day, count(*) AS n FROM dimension_values
    WHERE day BETWEEN $first AND $last GROUP BY dimension, day
),
over AS (
    SELECT
        dimension, day, samples,
        CASE WHEN len(least_hashes) < 256 THEN len(least_hashes)
            ELSE CAST(round(255 * 18446744073709551616.0 / least_hashes[256]) AS BIGINT) END AS n
    FROM values_over_limit WHERE day BETWEEN $first AND $last
),
counted AS (
    {counted}
)
SELECT
    limits.dimension, limits.most AS "limit",
    coalesce((SELECT max(n) FROM seated WHERE seated.dimension = limits.dimension), 0)::BIGINT AS "values",
    coalesce((SELECT max(n) FROM over WHERE over.dimension = limits.dimension), 0)::BIGINT AS over_limit,
    coalesce((SELECT sum(n) FROM counted WHERE counted.dimension = limits.dimension), 0)::BIGINT AS other_rows,
    coalesce((SELECT arg_max(samples, day) FROM over WHERE over.dimension = limits.dimension), []) AS samples,
    (SELECT max(day) FROM over WHERE over.dimension = limits.dimension)::VARCHAR AS last_day
FROM (SELECT unnest($names) AS dimension, unnest($most) AS most) AS limits
ORDER BY over_limit DESC, "values" DESC, dimension
"""
_OVER = "SELECT DISTINCT dimension FROM values_over_limit WHERE day BETWEEN $first AND $last ORDER BY dimension"
_COUNTED = (
    "SELECT '{name}' AS dimension, count(*) AS n FROM {table} WHERE {name} = '{other}'\n"
    "        AND started_at >= $first AND started_at < CAST($last AS DATE) + 1"
)
_NOTHING = "SELECT NULL AS dimension, 0 AS n"


@dataclass(frozen=True, slots=True)
class CardinalityQuery(Query[Result]):
    """Each dimension whose values senders choose, those over their limit first; by itself of the last seven days.

    Rows: dimension, limit (values on one day), values (most on one day that are told apart), over_limit (about how many
    more there were, at most on one day), other_rows (requests, or calls, that are stored as `(other)`), samples (some
    values that were), last_day (UTC; null: never over).
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/cardinality",
        "cardinality",
        "How many values each dimension has on a day, its limit, and what went to `(other)`",
        columns(
            dimension=TEXT,
            **dict.fromkeys(("limit", "values", "over_limit", "other_rows"), COUNT),
            samples=list_of(TEXT),
            last_day=MAYBE_TEXT,
        ),
        rows="dimensions",
    )
    arguments: TimeRange = TimeRange()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        until = self.arguments.end or datetime.now(UTC)
        days = {"first": (self.arguments.start or until - DEFAULT_WINDOW).date(), "last": until.date()}
        over = [str(name) for name in session.state(_OVER, days)["dimension"].to_pylist()]
        counted = "\n    UNION ALL\n    ".join(map(_counted, over)) or _NOTHING
        names = list(OPEN_DIMENSIONS)
        limits = {"names": names, "most": [session.config.limits.of(name) for name in names]}
        return Result(session.rows(Statement(_VALUES.format(counted=counted), days | limits, "cardinality.values")))


def _counted(name: str) -> str:
    """The stored rows whose value went to `(other)`: requests, or calls where requests have no such column."""
    table = "requests" if name in DIMENSIONS["requests"] else "attempts"
    return _COUNTED.format(name=name, table=table, other=OTHER_VALUE)


def count_over_limit(session: StoreSession, since: datetime) -> int:
    """Of how many dimensions a value was stored as `(other)` since a moment."""
    sql = "SELECT count(DISTINCT dimension) AS n FROM values_over_limit WHERE last_at >= $since"
    return int(session.state(sql, {"since": since})["n"][0].as_py())
