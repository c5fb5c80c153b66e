"""What fires, what is quiet and why, and how good the rules would have been."""

from controlsurface import ui

rules = ui.rules_in_force()
if not rules and ui.query_metric("requests")["n"].sum() == 0:
    ui.no_requests_state("No rules, and no requests in this window")

ui.alert_table(ui.alerts_now())
ui.silence_panel()
ui.rule_table(rules)
ui.rule_editor(rules)
ui.notifier_panel()
ui.detection_delay(rules)
ui.alert_history()
ui.alert_messages()
