"""The Alerts page: alerts, rules, silences and detection delay."""
