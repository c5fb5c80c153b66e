"""How many alerts fire that somebody has to act on, for the browser's tab."""

import orjson

from controlsurface.alerting.alert_queries import AlertsQuery
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.ui.data import collector_queries

QUIET_SEVERITIES = ("info", "none")  # a change that somebody made, a heartbeat


def firing_count() -> int:
    """Those that fire, are not held back, and are no information."""
    rows = as_dicts(collector_queries.fetch_cached(AlertsQuery()).rows)
    firing = (row for row in rows if row["state"] == "firing" and row["held_by"] is None and row["kind"] != "heartbeat")
    return sum(orjson.loads(row["labels"]).get("severity") not in QUIET_SEVERITIES for row in firing)
