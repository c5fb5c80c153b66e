"""The weekly cost attribution on a page: a week, what to break it down by, the rows and their download."""

from datetime import UTC, datetime, timedelta
from time import perf_counter

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.costs.restatements import RestatementsArgs, RestatementsQuery
from controlsurface.client.queries.metric_queries import AttributionQuery
from controlsurface.export.weekly_revisions import name_unassigned
from controlsurface.formatting import format_money
from controlsurface.money.cost_attribution import DEFAULT_DIMENSIONS, AttributionArgs, render_attribution, week_of
from controlsurface.query.dimensions import DIMENSIONS
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import escape_markdown
from controlsurface.ui.elements.time_zone import minute_text
from controlsurface.ui.widgets.data_table import data_table

MAX_WEEKS = 9  # to choose from: this one and two months
ATTRIBUTION_COLUMNS = {
    "requests": ("Requests", "count"),
    "attempts": ("Calls", "count"),
    "cost_usd": ("Cost", "usd"),
    "priced_share": ("Priced", "ratio"),
    "input_tokens": ("Input tokens", "tokens"),
    "cached_tokens": ("... cached", "tokens"),
    "output_tokens": ("Output tokens", "tokens"),
    "reasoning_tokens": ("... reasoning", "tokens"),
}
ATTRIBUTION_DIMENSIONS = tuple(name for name in DIMENSIONS["attempts"] if name != "gate")


def weekly_attribution() -> None:
    """Draw the attribution of a chosen week: all of its calls, whatever the bar filters."""
    now = datetime.now(UTC)
    weeks = [week_of(now - timedelta(weeks=back)) for back in range(MAX_WEEKS)]
    left, right = st.columns([1, 3])
    week = left.selectbox("Week (UTC)", weeks, index=1, key="week", bind="query-params")
    by = right.multiselect(
        "By",
        ATTRIBUTION_DIMENSIONS,
        default=list(DEFAULT_DIMENSIONS),
        max_selections=6,
        key="by",
        bind="query-params",
        placeholder="the whole week",
    )
    args = AttributionArgs(week=week or weeks[1], by=tuple(by))
    rows = collector_queries.shared(f"attribution {args.model_dump_json()}", lambda: _attribution_rows(args))
    if rows.is_empty():
        st.caption(f"No requests in {escape_markdown(args.week)}.")
        return
    ranked = rows.sort("cost_usd", descending=True, nulls_last=True).select(*by, *ATTRIBUTION_COLUMNS)
    units, labels = ({name: said[part] for name, said in ATTRIBUTION_COLUMNS.items()} for part in (1, 0))
    data_table(ranked, units, f"cost-{args.week}", download=rows, labels=labels)
    _restatements(args)
    still = "" if args.closed(now) else " The week is not over: these figures still grow."
    st.caption(f"`{_command(args)}` writes the same rows with a manifest.{still}")


def _restatements(args: AttributionArgs) -> None:
    """Say that the week is not as it was first priced, and what changed it."""
    asked = RestatementsQuery(RestatementsArgs(week=args.week))
    rows = collector_queries.shared(
        f"restated {args.week}", lambda: as_polars(collector_queries.collector_client().run(asked).rows)
    )
    for row in rows.to_dicts():
        before, after = (format_money(float(row[name])) for name in ("usd_before", "usd_after"))
        st.caption(
            f"Price revision {row['revision']:d}: restated {escape_markdown(minute_text(row['at']))} by "
            f"{escape_markdown(row['who'])}, {row['calls']:,} calls, {escape_markdown(f'{before} to {after}')}; "
            f"price book {escape_markdown(row['edition'])}."
        )


def _attribution_rows(args: AttributionArgs) -> pl.DataFrame:
    """The rows by name, and their SQL for the panel."""
    began = perf_counter()
    table = collector_queries.collector_client().run(AttributionQuery(args)).rows
    statement = render_attribution(args)
    rows, took = as_polars(table), (perf_counter() - began) * 1e3
    collector_queries.record_query(
        collector_queries.ExecutedQuery("attribution", rows, statement.sql, statement.shown(), took)
    )
    return as_polars(name_unassigned(table, args.by))


def _command(args: AttributionArgs) -> str:
    by = f" --by {','.join(args.by)}" if args.by else ""
    return f"controlsurface export cost --week {args.week}{by}"
