"""What several steps cost in reliability: chains as they would be beside those observed, depth, and where they fail."""

import numpy as np
import polars as pl

from controlsurface import charts
from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.span_failures import SpanFailuresArgs, SpanFailuresQuery
from controlsurface.metrics.statistics import wilson_interval
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.metric_series import event_marks, metrics_as_series
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import html_text, palette
from controlsurface.ui.navigation.view_controls import zoomable_chart
from controlsurface.ui.view import MIN_SHARE_ROWS, DashboardView
from controlsurface.ui.widgets.data_table import breakdown_table, data_table
from controlsurface.ui.widgets.panels import panel
from controlsurface.ui.widgets.tile_row import Tile, metric_tiles

DEPTH_METRICS = {"one call": "depth_one_share", "two calls": "depth_two_share", "three or more": "depth_more_share"}


def reliability_section(view: DashboardView) -> None:
    """The tab Reliability of the page Routing."""
    metric_tiles(
        [
            Tile("success_rate", "Answered"),
            Tile("chain_success_implied", "Implied r^n", note="if no call might fail"),
            Tile("step_success_rate", "Calls that pass", note="answered, and not failed by a gate"),
            Tile("retry_recovery_rate", "Recovered", note="of requests with a failed call"),
            Tile("failed_after_escalation_rate", "Failed though escalated"),
        ],
        view,
    )
    with panel(
        "Chains by task type",
        "implied r^n: share of calls without error, to the power of calls per request; observed: with retries",
    ):
        breakdown_table(
            {
                "requests": "Requests",
                "calls_per_request": "Calls (n)",
                "chain_success_implied": "Implied r^n",
                "success_rate": "Observed",
                "step_success_rate": "Calls that pass, gate included",
                "retries_per_request": "Retries per request",
                "fallback_rate": "Fallback",
            },
            ["task_type"],
            "reliability-by-task-type",
        )
    with panel("Depth over time", "share of requests by calls that they took"):
        requests = collector_queries.query_metric("requests")["n"].sum()
        steady = view.coarsened_for(int(requests))
        rows = metrics_as_series(DEPTH_METRICS, steady)
        figure = charts.lines(rows, steady.span, palette(), by="kind", unit="ratio", events=event_marks(), height=240)
        zoomable_chart(figure, "depth", "Share of requests by number of calls over time", metric="steps_per_request")
    with panel("Where chains fail", "failed spans below which none failed, by name"):
        _failures(view)


def _failures(view: DashboardView) -> None:
    """Failed spans by name, with their share and its interval."""
    found = as_polars(
        collector_queries.fetch_cached(SpanFailuresQuery(SpanFailuresArgs(**view.asked)), view.refresh).rows
    )
    if found.is_empty():
        states.empty_state("No span failed", html_text("No span of these requests has the status error."))
        return
    data_table(
        failure_shares(found),
        {"origins": "count", "unanswered": "count", **dict.fromkeys(("share", "low", "high"), "ratio"), "n": "count"},
        "span-failures",
        labels={
            "name": "Span",
            "origins": "Failed first",
            "unanswered": "... of unanswered requests",
            "share": "Failed first, share",
            "low": "from",
            "high": "to (95 %)",
            "n": "Spans",
        },
        helps={"origins": "Failed spans below which no other span failed: errors go up from there."},
    )


def failure_shares(found: pl.DataFrame) -> pl.DataFrame:
    """Rows of SpanFailuresQuery with the share that failed first and its interval; unknown of fewer than 30 spans."""
    n = found["n"].to_numpy().astype(np.float64)
    share = found["origins"].to_numpy() / n
    low, high = wilson_interval(share, n)
    known = pl.col("n") >= MIN_SHARE_ROWS
    return found.with_columns(share=share, low=low, high=high).select(
        "name",
        "origins",
        "unanswered",
        *(pl.when(known).then(pl.col(each)).alias(each) for each in ("share", "low", "high")),
        "n",
    )
