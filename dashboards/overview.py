"""Is the router earning its keep? The figures of the control surface, and where they come from."""

import streamlit as st

from controlsurface import charts, ui

TARGET = 0.20  # of requests escalated: above it a router is worth refining

view = ui.view()
ui.alert_strip()
ui.lanes_assumed()
by_lane = ui.queries(["latency_p95", "requests"], by=["lane"])["latency_p95"]
if by_lane.is_empty():
    ui.nothing_yet()


@st.fragment(parallel=True)
def tiles() -> None:
    """The five figures against last week."""
    priced = ui.figure(ui.query("priced_share"))
    ui.tiles(
        [
            ui.Tile("escalation_rate", "Escalation rate"),
            ui.Tile("confidence_below_threshold", "Confidence under threshold", note=ui.note_of_confidence(view)),
            ui.Tile("cost", "Cost", note=f"{ui.format_value(priced.value, 'ratio')} of calls priced"),
            ui.Tile("latency_p95", "P95 latency", value=ui.lanes(by_lane)),
            ui.Tile("error_rate", "Not answered"),
        ],
        view,
    )


tiles()
ui.advice()


@st.fragment(parallel=True)
def escalation() -> None:
    """Escalation by task type; the line chosen in the table, or the one that moved most, in colour."""
    now = ui.query("escalation_rate", by=["task_type"])
    before = ui.query("escalation_rate", by=["task_type"], within=view.week_before)
    compared = ui.side_by_side(now, before, "task_type")
    left, right = st.columns([3, 2])
    with right, ui.panel("Task types by escalation", "choose one to bring it out"):
        chosen = ui.ranking(compared, "task_type", "Task type")
    standout, moved, words = ui.standout(compared, "task_type")
    with left, ui.panel("Escalation by task type", words if chosen is ... else f"in colour: {chosen or 'unknown'}"):
        course = view.resting_on(int(now["n"].sum()) // now.height)
        figure = charts.lines(
            ui.query("escalation_rate", by=["task_type"], every=course.step),
            course.span,
            ui.palette(),
            by="task_type",
            unit="ratio",
            highlight=standout if chosen is ... else chosen,
            changed=moved and chosen is ...,
            target=TARGET,
            events=ui.events(),
            height=290,
        )
        ui.over_time(figure, "escalation", "Escalation rate by task type, beside the target", metric="escalation_rate")


escalation()
ui.confidence(view)


@st.fragment(parallel=True)
def latency() -> None:
    """Each lane's latency, over time and as a whole."""
    left, right = st.columns(2)
    with left, ui.panel("Latency by lane", "P95, dotted P50"):
        steady = view.resting_on(int(by_lane["n"].sum()) // by_lane.height)
        p95, p50 = ui.queries(["latency_p95", "latency_p50"], by=["lane"], every=steady.step).values()
        figure = charts.quantiles(p95, p50, steady.span, ui.palette(), events=ui.events())
        ui.over_time(figure, "latency", "Latency of each lane over time", metric="latency_mean")
    with right, ui.panel("How fast each lane is", "share of the lane's requests by latency"):
        bins = ui.distribution("latency_ms", by=["lane"])
        ui.chart(charts.lanes(bins, ui.palette()), alt="Latency distribution of each lane")


latency()


@st.fragment(parallel=True)
def cost() -> None:
    """Each lane's cost over time, and what has no price."""
    left, right = st.columns(2)
    with left, ui.panel("Cost by lane", f"all model calls, by {ui.format_duration(view.step)}"):
        spent = ui.query("cost", by=["lane"], every=view.step)
        figure = charts.stacked(spent, view.span, ui.palette(), by="lane", events=ui.events())
        ui.over_time(figure, "cost", "Cost of each lane over time", metric="cost")
    priced = ui.figure(ui.query("priced_share"))
    with right, ui.panel("Calls without a price", f"{ui.format_value(priced.value, 'ratio')} of {priced.n:,} have one"):
        unpriced = ui.query("unpriced_attempts", by=["model"])
        ui.bars(unpriced.filter(unpriced["value"] > 0), "model", unit="count")
        ui.price_gaps()


cost()
