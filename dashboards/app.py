"""The dashboard: its pages, in the order of an incident. A new page is one line here."""

from controlsurface import ui

ui.frame(
    [
        ui.page("overview.py", "Overview", "monitoring", default=True),
        ui.page("traces.py", "Traces", "account_tree"),
    ]
)
