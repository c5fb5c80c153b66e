"""Who spends what, on which lane and model, and how much of it is known."""

import streamlit as st

from controlsurface import charts, ui

view = ui.current_view()
if ui.query_metric("requests", by=["lane"]).is_empty():
    ui.no_requests_state()


def spend() -> None:
    """Cost by lane, task type, team and model, savings, and the week."""
    events = ui.event_marks()
    priced = ui.metric_value(ui.query_metric("priced_share"))
    ui.metric_tiles(
        [
            ui.Tile("cost", "Cost", note=f"{ui.format_value(priced.value, 'ratio')} of calls priced"),
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
    savings_and_models(spent)


def savings_and_models(spent: dict[str, str]) -> None:
    """What routing saved, what each model costs, and the week."""
    saved = {
        "saving_vs_all_large": "Against all-large",
        "saving_share_vs_all_large": "... of its cost",
        "saving_vs_random": "vs random routing",
        "saving_vs_all_small": "Against all-small",
        "baseline_known_share": "Known, not estimated",
    }
    with ui.panel(
        "Savings by task type", "what the same requests would have cost more; the router's own cost is counted in"
    ):
        ui.breakdown_table(saved, ["task_type"], "savings", links=False)
        st.caption(
            "A request's own calls in the lane are its baseline there, else a shadow's; for all others it is "
            "estimated from input tokens, by task type and lane, in this window and filter. The download has the "
            "intervals; a figure that rests on fewer than 20 shadows or calls of the same task type and lane, or on "
            "head-sampled traffic, has none, because nothing tells how far it is off."
        )
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
    def weekly() -> None:
        """Another week draws only this anew."""
        with ui.panel("Weekly attribution", "all calls of a week, whatever is filtered; (unassigned): nobody said"):
            ui.weekly_attribution()

    weekly()


SECTIONS = {
    "Spend": spend,
    "Caches": lambda: ui.cache_section(view),
    "Batch": lambda: ui.batch_section(view),
    "Context and growth": lambda: ui.context_section(view),
    "Jobs": lambda: ui.job_section(view),
    "Reconcile": lambda: ui.reconcile_section(view),
}
SECTIONS[ui.choose_tab(tuple(SECTIONS))]()
