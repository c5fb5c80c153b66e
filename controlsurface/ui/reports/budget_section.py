"""The tab Budgets of the page Cost: what each budget has left, its pace, and what its period will have cost."""

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.costs.budgets_query import BudgetsArgs, BudgetsQuery
from controlsurface.config.budgets import BUDGET_DIMENSIONS
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import html_tag
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.data_table import data_table
from controlsurface.ui.widgets.panels import panel

STATUS_LABELS = {
    "exceeded": "Exceeded",
    "will_exceed": "Forecast over",
    "may_exceed": "May exceed",
    "within": "On track",
    "unknown": "Not enough data",
}
_UNITS = {
    **dict.fromkeys(("budget_usd", "spent_usd", "forecast_usd", "low_usd", "high_usd"), "usd"),
    **dict.fromkeys(("spent_share", "elapsed_share", "priced_share"), "ratio"),
    "burn": "index",
}
_LABELS = {
    "budget_usd": "Budget",
    "spent_usd": "Spent",
    "spent_share": "... of budget",
    "elapsed_share": "Period elapsed",
    "burn": "Burn rate",
    "forecast_usd": "Forecast",
    "low_usd": "from",
    "high_usd": "to (95 %)",
    "runs_out_at": "Used up",
    "priced_share": "Priced",
}
_HELPS = {
    "burn": "Spent, by what the budget allows until now; 1 uses it up at the end of the period.",
    "forecast_usd": "Spent, and the mean of the last four weeks' days of the same weekday for all that is left.",
    "priced_share": "Share of billable calls with a price; what the others cost is in no figure here.",
}
_EXAMPLE = '[[budgets]]\nname = "Search"\nteam = "search"   # or tenant, task_type, job\nusd = 500\nperiod = "month"'


def budget_section(view: DashboardView) -> None:
    """Draw the tab, as of the end of the bar's range."""
    with panel("Budgets", "as of the end of the time range; calendar weeks and months in UTC; no filter applies"):
        answer = collector_queries.fetch_cached(BudgetsQuery(BudgetsArgs(at=view.end)), view.refresh)
        rows = as_polars(answer.rows)
        if rows.is_empty():
            states.empty_state("No budget is configured", html_tag("pre", _EXAMPLE), "docs/budgets.md has the keys.")
            return
        data_table(budget_rows(rows), _UNITS, "budgets", labels=_LABELS, helps=_HELPS, download=rows)
        if cut := rows.filter("cut")["name"].to_list():
            st.caption(
                f"{len(cut):,} budgets rest on a part of their period: the retention has removed its first calls."
            )
        st.caption("`controlsurface budgets --rules` prints an alert rule for each of them.")


def budget_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of BudgetsQuery as they are shown: whose a budget is in one column, statuses in words."""
    given = [pl.format(f"{name}={{}}", name) for name in BUDGET_DIMENSIONS]
    owner = pl.concat_str(given, separator=", ", ignore_nulls=True)
    return rows.select(
        "name",
        pl.when(owner == "").then(pl.lit("all calls")).otherwise(owner).alias("calls of"),
        "period",
        pl.col("status").replace(STATUS_LABELS),
        "budget_usd",
        "spent_usd",
        (pl.col("spent_usd") / pl.col("budget_usd")).alias("spent_share"),
        "elapsed_share",
        "burn",
        "forecast_usd",
        "low_usd",
        "high_usd",
        "runs_out_at",
        "priced_share",
    )
