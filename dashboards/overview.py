"""Is the router earning its keep? The figures of the control surface, and where they come from."""

import streamlit as st

from controlsurface import charts, ui

TARGET = 0.20  # of requests escalated: above it a router is worth refining

view = ui.current_view()
ui.alert_strip()
ui.assumed_lanes_note()
by_lane = ui.query_metrics(["latency_p95", "requests"], by=["lane"])["latency_p95"]
if by_lane.is_empty():
    ui.no_requests_state()


@st.fragment(parallel=True)
def tiles() -> None:
    """The five figures and what routing saves, against last week."""
    ui.metric_tiles(
        [
            ui.Tile("escalation_rate", "Escalation rate"),
            ui.Tile("confidence_below_threshold", "Below threshold", note=ui.confidence_note(view)),
            ui.Tile("cost", "Cost", note=ui.priced_note()),
            ui.savings_tile(),
            ui.Tile("latency_p95", "P95 latency", value=ui.fastest_and_slowest_lane(by_lane)),
            ui.Tile("error_rate", "Error rate"),
        ],
        view,
    )


@st.fragment(parallel=True)
def escalation() -> None:
    """Escalation by task type; the line chosen in the table, or the one that moved most, in colour."""
    now = ui.query_metric("escalation_rate", by=["task_type"])
    before = ui.query_metric("escalation_rate", by=["task_type"], within=view.week_before)
    compared, (left, right) = ui.compare_breakdown(now, before, "task_type"), st.columns([3, 2])
    with right, ui.panel("Task types by escalation", "select to highlight"):
        chosen = ui.ranking_table(compared, "task_type", "Task type")
    standout, moved, words = ui.largest_mover(compared, "task_type")
    with left, ui.panel("Escalation by task type", words if chosen is ... else f"in colour: {chosen or 'unknown'}"):
        course = view.coarsened_for(int(now["n"].sum()) // now.height)
        figure = charts.lines(
            ui.steady_series("escalation_rate", course, ["task_type"]),
            course.span,
            ui.palette(),
            by="task_type",
            unit="ratio",
            highlight=standout if chosen is ... else chosen,
            changed=moved and chosen is ...,
            target=TARGET,
            events=ui.event_marks(),
            height=290,
        )
        ui.zoomable_chart(figure, "escalation", "Escalation by task type, beside the target", metric="escalation_rate")


@st.fragment(parallel=True)
def latency() -> None:
    """Each lane's latency, over time and as a whole."""
    left, right = st.columns(2)
    with left, ui.panel("Latency by lane", "P95, dotted P50"):
        steady = view.coarsened_for(int(by_lane["n"].sum()) // by_lane.height)
        p95, p50 = ui.steady_metrics(["latency_p95", "latency_p50"], steady, ["lane"]).values()
        figure = charts.quantiles(p95, p50, steady.span, ui.palette(), events=ui.event_marks())
        ui.zoomable_chart(figure, "latency", "Latency of each lane over time", metric="latency_mean")
    with right, ui.panel("Latency distribution", "share of the lane's requests by latency"):
        bins = ui.query_distribution("latency_ms", by=["lane"])
        ui.chart(charts.lane_histogram(bins, ui.palette()), alt="Latency distribution of each lane")


@st.fragment(parallel=True)
def cost() -> None:
    """Each lane's cost over time, who spends it, and what has no price."""
    left, middle, right = st.columns([2, 1, 1])
    with left, ui.panel("Cost by lane", f"all model calls, by {ui.format_duration(view.step)}"):
        spent = ui.query_metric("cost", by=["lane"], every=view.step)
        figure = charts.stacked_areas(spent, view.span, ui.palette(), by="lane", events=ui.event_marks())
        ui.zoomable_chart(figure, "cost", "Cost of each lane over time", metric="cost")
    with middle, ui.panel("Cost by team", "Cost has other dimensions"):
        ui.bar_list(ui.query_metric("cost", by=["team"]), "team", unit="usd", most=6)
    with right, ui.panel("Calls without a price", ui.priced_note()):
        unpriced = ui.query_metric("unpriced_attempts", by=["model"])
        ui.bar_list(unpriced.filter(unpriced["value"] > 0), "model", unit="count")
        ui.price_gap_advice()


PARTS = {
    "tiles": tiles,
    "advice": ui.advice_list,
    "escalation": escalation,
    "confidence": lambda: ui.confidence_panel(view),
    "latency": latency,
    "cost": cost,
}
for name, draw in PARTS.items():
    with st.container(key=f"cs_tall_{name}"):  # as high as what comes, so that nothing jumps when it does
        draw()
