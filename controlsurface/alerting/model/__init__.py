"""What all of alerting speaks of: alerts, their label sets, and their episodes as delivery sees them."""
