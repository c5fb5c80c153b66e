"""The button that downloads an incident's report."""

import streamlit as st

from controlsurface.export.incident_data import gather_incident
from controlsurface.export.incident_report import render_incident_report
from controlsurface.ui.data import collector_queries
from controlsurface.ui.navigation.triage_selection import TriageSelection


def incident_report_button(about: TriageSelection) -> None:
    """The report of what the page shows; it is made when it is asked for."""
    link = st.context.url or ""

    def made() -> str:
        return render_incident_report(
            gather_incident(collector_queries.collector_client(), about.asked, about.against), link
        )

    name = f"{about.metric.id}-{about.selection.start:%Y-%m-%dT%H%M}.html"
    st.download_button("Incident report", made, name, "text/html", icon=":material/download:", on_click="ignore")
