"""Where the router sends requests, how sure it is of that, and why."""

import streamlit as st

from controlsurface import charts, ui

TARGET = 0.20  # of requests escalated: above it a router is worth refining
KINDS = ("routed", "cascaded", "fallback")

view = ui.current_view()
requests = ui.query_metric("requests", by=["lane"])
if requests.is_empty():
    ui.no_requests_state()


def decisions() -> None:
    """Escalation, confidence, reasons and versions."""
    events = ui.event_marks()

    left, right = st.columns([2, 3])
    with left, ui.panel("Escalation by kind", "dotted: the target"):
        steady = view.coarsened_for(int(requests["n"].sum()))
        rows = ui.metrics_as_series({kind: f"escalation_rate_{kind}" for kind in KINDS}, steady)
        figure = charts.lines(
            rows, steady.span, ui.palette(), by="kind", unit="ratio", target=TARGET, events=events, height=300
        )
        alt = "Share of requests escalated over time: routed at once, cascaded, and after a failed call"
        ui.zoomable_chart(figure, "kinds", alt, metric="escalation_rate")
    with right, ui.panel("Escalation by task type and kind", "routed at once, answer not good enough, call failed"):
        shares = {f"escalation_rate_{kind}": kind.capitalize() for kind in KINDS}
        ui.breakdown_table(
            {"requests": "Requests", "escalation_rate": "Escalated", **shares}, ["task_type"], "escalation-by-task-type"
        )

    with st.container(key="cs_tall_confidence"):
        ui.confidence_panel(view)

    with ui.panel(
        "Near threshold (±0.05)",
        "confidence within 0.05 of the threshold; a small drift sends these to the other lane",
    ):
        ui.breakdown_table(
            {
                "requests": "Requests",
                "threshold": "Mean threshold",
                "confidence_below_threshold": "Below threshold",
                "confidence_knife_edge": "Near threshold",
                "confidence_missing": "No confidence",
            },
            ["task_type", "confidence_kind"],
            "knife-edge",
        )

    outcome = {
        "requests": "Requests",
        "request_share": "Share",
        "escalation_rate": "Escalated",
        "error_rate": "Error rate",
    }
    left, right = st.columns([3, 2])
    with left, ui.panel("Reasons", "why this lane, in the router's words"):
        ui.breakdown_table(outcome, ["reason"], "reasons")
    with right, ui.panel("Escalation reasons", "of what was escalated"):
        ui.breakdown_table(
            {"requests": "Requests", "request_share": "Share"},
            ["escalation_kind", "escalation_reason"],
            "escalations",
            within=view.only("escalation_kind", *KINDS),
        )
    with ui.panel("Router versions", "Compare shows two of them side by side"):
        more = {"confidence_knife_edge": "Near threshold", "latency_p95": "P95", "cost_per_request": "Cost per request"}
        ui.breakdown_table(outcome | more, ["router_version"], "router-versions")


part = ui.choose_tab(("Routing", "Reliability"))
if part == "Routing":
    decisions()
else:
    ui.reliability_section(view)
