"""The dashboard: its pages, in the order of an incident. A new page is one line here."""

from controlsurface import ui

ui.run_dashboard(
    [
        ui.dashboard_page("overview.py", "Overview", "monitoring", default=True),
        ui.dashboard_page("triage.py", "Triage", "troubleshoot"),
        ui.dashboard_page("alerts.py", "Alerts", "notifications"),
        ui.dashboard_page("routing.py", "Routing", "alt_route"),
        ui.dashboard_page("latency.py", "Latency", "timer"),
        ui.dashboard_page("cost.py", "Cost", "payments"),
        ui.dashboard_page("quality.py", "Quality", "fact_check"),
        ui.dashboard_page("what_if.py", "What-if", "tune"),
        ui.dashboard_page("compare.py", "Compare", "compare_arrows"),
        ui.dashboard_page("traces.py", "Traces", "account_tree"),
        ui.dashboard_page("data.py", "Data", "database"),
    ]
)
