"""The filters of all pages, and the parts of an address that say when."""

UNKNOWN_VALUE_LABEL = "(unknown)"  # how a filter names rows whose value nobody said
ZOOM_PARAMETER = "zoom"
TIME_PARAMETERS = ("range", "from", "to", ZOOM_PARAMETER)  # parts of an address that say when
FILTER_LABELS = {
    "task_type": "Task type",
    "lane": "Lane",
    "answered_by": "Model",
    "tenant": "Tenant",
    "router_version": "Router version",
    "environment": "Environment",
}
