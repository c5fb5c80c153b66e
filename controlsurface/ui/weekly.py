"""The weekly cost attribution on a page: a week, what to break it down by, the rows and their download."""

from datetime import UTC, datetime, timedelta
from time import perf_counter

import polars as pl
import streamlit as st

from controlsurface.export.revisions import named
from controlsurface.metrics.dimensions import DIMENSIONS
from controlsurface.money.attribution import USUAL, AttributionArgs, render, week_of
from controlsurface.reader.figures import AttributionQuery
from controlsurface.reader.rows import frame
from controlsurface.ui import reading
from controlsurface.ui.elements.markdown import plain
from controlsurface.ui.sheet import sheet

WEEKS = 9  # to choose from: this one and two months
SHOWN = {
    "requests": ("Requests", "count"),
    "attempts": ("Calls", "count"),
    "cost_usd": ("Cost", "usd"),
    "priced_share": ("Priced", "ratio"),
    "input_tokens": ("Input tokens", "tokens"),
    "cached_tokens": ("... cached", "tokens"),
    "output_tokens": ("Output tokens", "tokens"),
    "reasoning_tokens": ("... reasoning", "tokens"),
}
DIMENSION = tuple(name for name in DIMENSIONS["attempts"] if name != "gate")


def attribution() -> None:
    """Draw the attribution of a chosen week: all of its calls, whatever the bar filters."""
    now = datetime.now(UTC)
    weeks = [week_of(now - timedelta(weeks=back)) for back in range(WEEKS)]
    left, right = st.columns([1, 3])
    week = left.selectbox("Week (UTC)", weeks, index=1, key="week", bind="query-params")
    by = right.multiselect(
        "By",
        DIMENSION,
        default=list(USUAL),
        max_selections=6,
        key="by",
        bind="query-params",
        placeholder="the whole week",
    )
    args = AttributionArgs(week=week or weeks[1], by=tuple(by))
    rows = reading.shared(f"attribution {args.model_dump_json()}", lambda: _read(args))
    if rows.is_empty():
        st.caption(f"No requests in {plain(args.week)}.")
        return
    ranked = rows.sort("cost_usd", descending=True, nulls_last=True).select(*by, *SHOWN)
    units, labels = ({name: said[part] for name, said in SHOWN.items()} for part in (1, 0))
    sheet(ranked, units, f"cost-{args.week}", download=rows, labels=labels)
    still = "" if args.closed(now) else " The week is not over: these figures still grow."
    st.caption(f"`{_command(args)}` writes the same rows with a manifest.{still}")


def _read(args: AttributionArgs) -> pl.DataFrame:
    """The rows by name, and their SQL for the panel."""
    began = perf_counter()
    table = reading.reader().ask(AttributionQuery(args)).rows
    statement = render(args)
    rows, took = frame(table), (perf_counter() - began) * 1e3
    reading.note(reading.Asked("attribution", rows, statement.sql, statement.shown(), took))
    return frame(named(table, args.by))


def _command(args: AttributionArgs) -> str:
    by = f" --by {','.join(args.by)}" if args.by else ""
    return f"controlsurface export cost --week {args.week}{by}"
