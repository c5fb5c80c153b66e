"""Is the fast lane fast? Latency of each lane, beside the blended figure that hides them."""

import streamlit as st

from controlsurface import charts, ui

view = ui.current_view()
requests = ui.query_metric("requests", by=["lane"])
if requests.is_empty():
    ui.no_requests_state()
events = ui.event_marks()
bins = ui.query_distribution("latency_ms", by=["lane"])

with ui.panel("Lanes and all of them together", '"All" mixes lanes'):
    ui.lane_and_total_table(
        {
            "requests": "Requests",
            "latency_p50": "P50",
            "latency_p95": "P95",
            "latency_p99": "P99",
            "ttft_p50": "First token P50",
            "ttft_p95": "First token P95",
        },
        "latency-by-lane",
    )

steady = view.coarsened_for(int(requests["n"].sum()) // requests.height)
quantiles = ("latency_p95", "latency_p50", "latency_p99")
left, right = st.columns(2)
with left, ui.panel("P95 and P50 over time", "dotted: P50"):
    p95, p50, _ = ui.metrics_by_lane_and_total(quantiles, steady)
    figure = charts.quantiles(p95, p50, steady.span, ui.palette(), events=events, height=260)
    ui.zoomable_chart(
        figure, "p95", "P95 and P50 latency of each lane and of all lanes over time", metric="latency_mean"
    )
with right, ui.panel("P99 over time"):
    _, _, p99 = ui.metrics_by_lane_and_total(quantiles, steady)
    figure = charts.lines(p99, steady.span, ui.palette(), by="lane", unit="ms", events=events, height=260)
    ui.zoomable_chart(figure, "p99", "P99 latency of each lane and of all lanes over time", metric="latency_mean")

with ui.panel("Latency distribution", "share of the lane's requests by latency"):
    ui.chart(charts.lane_histogram(bins, ui.palette(), height=260), alt="Latency distribution of each lane")
    ui.lane_separation_panel(bins)
    ui.csv_button(bins, "latency-bins")

with st.container(key="cs_tall_heatmap"):
    ui.latency_heatmap_panel(view)


@st.fragment(parallel=True)
def modes() -> None:
    """It takes longer than all else here."""
    with ui.panel("Bimodal latency", "task types that a lane answers in two ways, one slower than the other"):
        ui.hidden_modes_panel()


modes()

with ui.panel("By model", "durations of single calls"):
    calls = {
        "attempts": "Calls",
        "attempt_latency_p50": "P50",
        "attempt_latency_p95": "P95",
        "attempt_error_rate": "Failed",
    }
    ui.breakdown_table(calls, ["lane", "model"], "latency-by-model")
