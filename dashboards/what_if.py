"""What would another threshold, or model, do? Escalation, cost, latency, quality, with what is known and what not."""

import streamlit as st

from controlsurface import ui

view = ui.current_view()


@st.fragment
def simulator() -> None:
    """A slider draws only this anew."""
    ui.rerun_if_view_changed()
    with ui.panel(
        "Threshold simulator", "solid: the one chosen; dotted: the one of now; nothing here changes a router"
    ):
        ui.threshold_simulator.simulator_panel(view)
    with ui.panel("Save as policy", "a version with who, when, why and this evidence; an event on every chart"):
        ui.policy_form.save_policy_form(view)


tab = ui.choose_tab(("Threshold", "Strategies", "Task profile", "Before launch"))
if tab == "Threshold":
    if ui.query_metric("requests", by=["lane"]).is_empty():
        ui.no_requests_state()
    simulator()
    with ui.panel("Policies", "every version; the newest is in force"):
        ui.policy_form.policy_version_table()
elif tab == "Strategies":
    with ui.panel(
        "Strategies", "ways to route the requests of this window, by answers of both lanes; filters not applied"
    ):
        ui.strategy_table.strategy_table(view)
elif tab == "Task profile":
    with ui.panel("Task profile", "what each task type is, and who says so; what traffic tells stands beside it"):
        ui.task_profile_editor.task_profile_editor(view)
    with ui.panel("Versions", "every change, the newest first; each is an event on every chart"):
        ui.task_profile_editor.task_profile_history()
else:
    with ui.panel("Before launch", "which model answers which task type well enough, from answers collected already"):
        ui.model_profile_panel()
