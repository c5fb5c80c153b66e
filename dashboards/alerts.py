"""What fires, what is quiet and why, and how good the rules would have been."""

from controlsurface import ui

rules = ui.rules()
if not rules and ui.query("requests")["n"].sum() == 0:
    ui.nothing_yet("No rules, and no requests in this window")

ui.alerts(ui.alerts_now())
ui.silences()
ui.rule_table(rules)
ui.detection(rules)
ui.alert_history()
ui.alert_messages()
