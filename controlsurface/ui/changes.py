"""What happened in a window, as marks on its charts."""

import polars as pl

from controlsurface.charts import Event
from controlsurface.metrics.events import EventsArgs
from controlsurface.reader.events import EventsQuery
from controlsurface.reader.rows import frame
from controlsurface.ui import reading
from controlsurface.ui.window import View

MOST = 8  # marks on one chart: more hide it, so the latest stay
LONGEST = 40  # characters of a label


def events(within: View | None = None) -> list[Event]:
    """The changes in what the bar shows, or in another view: told, and found in the requests; in order of time."""
    found = known(within or reading.view())
    return [Event(at, title[:LONGEST]) for at, title in found.select("at", "title").tail(MOST).iter_rows()]


def known(view: View) -> pl.DataFrame:
    """The same with all there is to say: at, kind, title, detail, source."""
    args = EventsArgs(start=view.start, end=view.end)
    return frame(reading.ask(EventsQuery(args), view.refresh).rows)
