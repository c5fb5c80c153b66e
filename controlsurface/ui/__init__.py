"""What the pages share: the frame, the view, questions to the collector, panels and states.

The only place, beside the pages themselves, that imports Streamlit.
"""

from controlsurface.ui.bar_list import bars
from controlsurface.ui.choice import chosen, table
from controlsurface.ui.compared import figure, side_by_side
from controlsurface.ui.changes import events
from controlsurface.ui.finding import lead_to_requests, more, nothing, search
from controlsurface.ui.framing import frame, page
from controlsurface.ui.markup import palette
from controlsurface.ui.panels import box, chart, panel
from controlsurface.ui.ranked import ranking, standout
from controlsurface.ui.reading import distribution, query, view
from controlsurface.ui.request_card import card, spans
from controlsurface.ui.states import nothing_yet, state
from controlsurface.ui.tile_row import lanes, tile, tiles
from controlsurface.ui.units import shown, step

__all__ = [
    "bars",
    "box",
    "card",
    "chart",
    "chosen",
    "distribution",
    "events",
    "figure",
    "frame",
    "lanes",
    "lead_to_requests",
    "more",
    "nothing",
    "nothing_yet",
    "page",
    "palette",
    "panel",
    "query",
    "ranking",
    "search",
    "shown",
    "side_by_side",
    "spans",
    "standout",
    "state",
    "step",
    "table",
    "tile",
    "tiles",
    "view",
]
