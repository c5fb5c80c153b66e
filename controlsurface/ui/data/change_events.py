"""What happened in a window, as marks on its charts."""

import polars as pl

from controlsurface.charts import EventMark
from controlsurface.client.arrow_rows import as_polars
from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.ui.data import collector_queries
from controlsurface.ui.view.time_range import DashboardView

MAX_EVENT_MARKS = 8  # marks on one chart: more hide it, so the latest stay
MAX_EVENT_LABEL_CHARS = 40  # characters of a label


def event_marks(within: DashboardView | None = None) -> list[EventMark]:
    """The changes in what the bar shows, or in another view: told, and found in the requests; in order of time."""
    found = list_change_events(within or collector_queries.current_view())
    return [
        EventMark(at, title[:MAX_EVENT_LABEL_CHARS])
        for at, title in found.select("at", "title").tail(MAX_EVENT_MARKS).iter_rows()
    ]


def list_change_events(view: DashboardView) -> pl.DataFrame:
    """The same with all there is to say: at, kind, title, detail, source."""
    args = EventsArgs(start=view.start, end=view.end)
    return as_polars(collector_queries.fetch_cached(EventsQuery(args), view.refresh).rows)
