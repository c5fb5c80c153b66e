"""Who spends what, on which lane and model, and how much of it is known."""

import streamlit as st

from controlsurface import charts, ui

view = ui.current_view()
if ui.query_metric("requests", by=["lane"]).is_empty():
    ui.no_requests_state()


def explore() -> None:
    """Cost by lane, task type, team, purpose and model."""
    events = ui.event_marks()
    ui.metric_tiles(
        [
            ui.Tile("cost", "Cost", note=ui.priced_note()),
            ui.Tile("cost_per_request", "Cost per request"),
            ui.Tile("cost_per_answer", "Cost per answer"),
            ui.Tile("overhead_cost", "Overhead cost"),
            ui.Tile("priced_share", "Calls with a price"),
        ],
        view,
    )
    left, right = st.columns(2)
    bucket = f"by {ui.format_duration(view.step)}"
    with left, ui.panel("Cost by lane", f"all model calls, {bucket}"):
        cost = ui.query_metric("cost", by=["lane"], every=view.step)
        figure = charts.stacked_areas(cost, view.span, ui.palette(), by="lane", events=events)
        ui.zoomable_chart(figure, "cost", "Cost of each lane over time", metric="cost")
    with right, ui.panel("Tokens by kind", f"{bucket}; cached ones are part of input, reasoning of output"):
        figure = charts.stacked_areas(
            ui.tokens_by_kind(view.step), view.span, ui.palette(), by="kind", unit="count", events=events
        )
        ui.zoomable_chart(
            figure, "tokens", "Tokens over time: input and output, cached and reasoning ones apart", metric="cost"
        )

    spent = {"cost": "Cost", "cost_share": "Share", "attempts": "Calls", "priced_share": "Priced"}
    for first, second in (("lane", "task_type"), ("team", "purpose")):
        for column, dimension in zip(st.columns(2), (first, second), strict=True):
            with column, ui.panel(f"Cost by {dimension.replace('_', ' ')}"):
                ui.breakdown_table(spent, [dimension], f"cost-by-{dimension}", links=False)
    with ui.panel("Cost and tokens by model"):
        ui.breakdown_table(
            spent
            | {
                "input_tokens": "Input",
                "cached_tokens": "... of it cached",
                "output_tokens": "Output",
                "reasoning_tokens": "... of it reasoning",
                "unpriced_attempts": "Calls without a price",
            },
            ["lane", "model"],
            "cost-by-model",
        )
        st.caption("What has no price gets one in prices.toml; until then its cost is unknown, not zero.")


@st.fragment
def export() -> None:
    """The week, and the command that writes it to a file; another week draws only this anew."""
    with ui.panel("Weekly attribution", "all calls of a week, unfiltered; (unassigned): no span states it"):
        ui.weekly_attribution()


SECTIONS = {
    "Explore": explore,
    "Savings": lambda: ui.savings_section(view),
    "Budgets": lambda: ui.budget_section(view),
    "Control": lambda: ui.control_section(view),
    "Caches": lambda: ui.cache_section(view),
    "Batch": lambda: ui.batch_section(view),
    "Context and growth": lambda: ui.context_section(view),
    "Jobs": lambda: ui.job_section(view),
    "Reconcile": lambda: ui.reconcile_section(view),
    "Export": export,
}
SECTIONS[ui.choose_tab(tuple(SECTIONS))]()
