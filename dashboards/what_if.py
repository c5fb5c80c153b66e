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


if ui.choose_tab(("Threshold", "Before launch")) == "Threshold":
    if ui.query_metric("requests", by=["lane"]).is_empty():
        ui.no_requests_state()
    simulator()
    with ui.panel("Policies", "every version; the newest is in force"):
        ui.policy_form.policy_version_table()
else:
    with ui.panel("Before launch", "which model answers which task type well enough, from answers collected already"):
        ui.model_profile_panel()
