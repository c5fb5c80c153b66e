"""Did the new router version pay? Two arms, or two periods, as an experiment: exposure, differences, guardrails."""

from controlsurface import ui

view = ui.current_view()
if ui.query_metric("requests", by=["lane"]).is_empty():
    ui.no_requests_state()
both = ui.choose_populations(view)
if both is None:
    ui.empty_state("Fewer than two router versions in this window", "Choose a longer time range, or compare periods.")
else:
    one, other = both
    with ui.panel("Exposure", "what each arm was sent"):
        alike = ui.exposure_table(one, other)
    with ui.panel(f"{one[0]} against {other[0]}", "in colour where the interval leaves no doubt (95 %)"):
        rates = ui.arm_pairs((*ui.RATES, *ui.MEANS), one[1], other[1])
        ui.difference_table(rates, one[0], other[0], "comparison", alike=alike)
    with ui.panel("Guardrails", "what must not get worse, and how bad it may be at worst"):
        guardrails = ui.arm_pairs(ui.GUARDRAILS, one[1], other[1])
        ui.guardrail_table(guardrails, one[0], other[0], alike=alike)
    with ui.panel("Task types", "the same kind of request in both arms"):
        ui.task_type_table(one, other)
    ui.architecture_panels(view, one, other)
