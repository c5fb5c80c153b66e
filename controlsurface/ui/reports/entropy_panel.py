"""Operational entropy on the tab Control: how many ways requests take, how evenly, and incidents beside them."""

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.costs.entropy_query import PATH_STEPS, EntropyArgs, EntropyQuery
from controlsurface.ui.data import collector_queries
from controlsurface.ui.view import UNKNOWN_VALUE_LABEL, DashboardView
from controlsurface.ui.widgets.data_table import data_table
from controlsurface.ui.widgets.panels import panel

_COLUMNS = {
    "name": ("Task type", ""),
    "n": ("Requests", "count"),
    "paths": ("Paths", "count"),
    "top_path": ("Most frequent path", ""),
    "top_share": ("... its share", "ratio"),
    "top_three_share": ("Share of top three", "ratio"),
    "entropy_bits": ("Entropy (bits)", "index"),
    "steps_mean": ("Steps per request", "index"),
    "steps_p95": ("P95 steps", "count"),
    "branching": ("Branching", "index"),
    "incidents_per_million": ("Incidents per million", "index"),
    "incidents_low": ("from", "index"),
    "incidents_high": ("to (95 %)", "index"),
}


def entropy_panel(view: DashboardView) -> None:
    """A row a task type; all traffic of the window."""
    with panel("Operational entropy", "the paths of requests by task type, whatever is filtered"):
        step = st.segmented_control(
            "Steps by", PATH_STEPS, default=PATH_STEPS[0], required=True, key="path step", format_func=str.capitalize
        )
        args = EntropyArgs(start=view.start, end=view.end, step=step)
        rows = as_polars(collector_queries.fetch_slow_cached(EntropyQuery(args)).rows)
        if rows.is_empty():
            st.caption("No requests in this window.")
            return
        shown = rows.select([*_COLUMNS]).with_columns(pl.col("name").fill_null(UNKNOWN_VALUE_LABEL))
        labels, units = ({name: said[part] for name, said in _COLUMNS.items()} for part in (0, 1))
        data_table(shown, {name: unit for name, unit in units.items() if unit}, "entropy", labels=labels)
        st.caption(
            "A path is the sequence of a request's calls. Entropy 0: all take the same one; it grows with the number "
            "of requests, so compare like numbers. Branching: different next steps of a step, by how often it is left."
        )
