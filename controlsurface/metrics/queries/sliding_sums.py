"""Sums over windows that slide by whole steps: each row is summed into its step once, however many windows hold it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from controlsurface.query.statement import where_clause


def sliding_sums_ctes(
    source: str, found: Sequence[str], dimensions: Sequence[str], columns: Mapping[str, str], over: timedelta
) -> str:
    """The CTEs that end in `measures`: one row a moment and slice with the sums of its window, where it holds rows.

    Parameters: $first, $last, $every; `over` is a multiple of $every.
    """
    named = [f"r.{name} AS {name}" for name in dimensions] + [f"{text} AS {name}" for name, text in columns.items()]
    sums = [*dimensions, *(f"sum({name}) AS {name}" for name in columns), "count(*) AS held"]
    listed = ", ".join(["moment", *dimensions])
    zeros = ", ".join([*(f"NULL AS {name}" for name in columns), "0 AS held"])
    slices = f"(SELECT DISTINCT {', '.join(dimensions)} FROM steps)" if dimensions else "(SELECT 1)"
    windowed = ", ".join(f"sum({name}) OVER held_by_it AS {name}" for name in [*columns, "held"])
    partition = f"PARTITION BY {', '.join(dimensions)} " if dimensions else ""
    back = int(over.total_seconds() * 1e6)
    return f"""WITH stepped AS (
    SELECT time_bucket($every, r.started_at, $first) + $every AS moment, {", ".join(named)}
    FROM {source} AS r{where_clause(found)}
),
steps AS (SELECT moment, {", ".join(sums)} FROM stepped GROUP BY {listed}),
grid AS (
    SELECT asked.moment, slices.*
    FROM (SELECT UNNEST(generate_series($first, $last, $every)) AS moment) AS asked CROSS JOIN {slices} AS slices
),
both_ AS (
    SELECT *, FALSE AS asked FROM steps
    UNION ALL BY NAME
    SELECT {listed}, {zeros}, TRUE AS asked FROM grid
),
summed AS (
    SELECT {listed}, {windowed}, asked
    FROM both_
    WINDOW held_by_it AS (
        {partition}ORDER BY epoch_us(moment) - epoch_us($first)
        RANGE BETWEEN {back} - epoch_us($every) PRECEDING AND CURRENT ROW
    )
),
measures AS (SELECT * EXCLUDE (asked, held) FROM summed WHERE asked AND held > 0),"""
