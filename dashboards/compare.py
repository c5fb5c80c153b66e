"""Did the new router version pay? Two versions, or two periods, side by side."""

from controlsurface import ui

METRICS = (
    "requests",
    "escalation_rate",
    "confidence_knife_edge",
    "steps_per_request",
    "input_tokens",
    "output_tokens",
    "output_tokens_per_request",
    "cost",
    "cost_per_request",
    "priced_share",
    "latency_p50",
    "latency_p95",
    "error_rate",
    "disagreement_rate",
)

view = ui.current_view()
if ui.query_metric("requests", by=["lane"]).is_empty():
    ui.no_requests_state()
both = ui.choose_populations(view)
if both is None:
    ui.empty_state("Fewer than two router versions in this window", "Choose a longer time range, or compare periods.")
else:
    one, other = both
    with ui.panel(
        f"{one[0]} against {other[0]}", "in colour: shares that moved beyond chance (95 %), others by over 5 %"
    ):
        ui.population_table(METRICS, one, other, "comparison")
    for name, within in both:
        with ui.panel(f"Task types: {name}"):
            columns = {
                "requests": "Requests",
                "escalation_rate": "Escalated",
                "cost_per_request": "Cost per request",
                "latency_p95": "P95",
                "error_rate": "Error rate",
            }
            ui.breakdown_table(
                columns,
                ["task_type"],
                f"task-types-{'one' if within is one[1] else 'other'}",
                within=within,
                links=False,
            )
