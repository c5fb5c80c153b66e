"""The button that downloads an incident's report."""

import streamlit as st

from controlsurface.export.incident import gather
from controlsurface.export.report import render
from controlsurface.ui import reading
from controlsurface.ui.selection import Spike


def report(about: Spike) -> None:
    """The report of what the page shows; it is made when it is asked for."""
    link = st.context.url or ""

    def made() -> str:
        return render(gather(reading.reader(), about.asked, about.against), link)

    name = f"{about.metric.id}-{about.selection.start:%Y-%m-%dT%H%M}.html"
    st.download_button("Incident report", made, name, "text/html", icon=":material/download:", on_click="ignore")
