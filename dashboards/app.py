"""The dashboard: its pages, in the order of an incident. A new page is one line here."""

from controlsurface import ui

ui.frame(
    [
        ui.page("overview.py", "Overview", "monitoring", default=True),
        ui.page("triage.py", "Triage", "troubleshoot"),
        ui.page("alerts.py", "Alerts", "notifications"),
        ui.page("routing.py", "Routing", "alt_route"),
        ui.page("latency.py", "Latency", "timer"),
        ui.page("cost.py", "Cost", "payments"),
        ui.page("quality.py", "Quality", "fact_check"),
        ui.page("what_if.py", "What-if", "tune"),
        ui.page("compare.py", "Compare", "compare_arrows"),
        ui.page("traces.py", "Traces", "account_tree"),
        ui.page("data.py", "Data", "database"),
    ]
)
