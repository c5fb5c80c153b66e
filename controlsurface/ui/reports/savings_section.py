"""What routing saved against named baselines: a tile, and the tab Savings of the page Cost."""

import streamlit as st

from controlsurface.formatting import format_value
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.comparison import metric_value
from controlsurface.ui.elements.html_tags import html_tag, html_text
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.data_table import breakdown_table
from controlsurface.ui.widgets.panels import panel
from controlsurface.ui.widgets.tile_row import Tile, metric_tiles

SAVINGS = {
    "saving_vs_all_large": "Against all-large",
    "saving_share_vs_all_large": "... of its cost",
    "saving_vs_random": "vs random routing",
    "saving_vs_all_small": "Against all-small",
    "baseline_known_share": "Known, not estimated",
}


def savings_tile() -> Tile:
    """Saved against all-large: the sum, and which share of that baseline's cost it is."""
    names = ("saving_vs_all_large", "saving_share_vs_all_large")
    saved, share = (metric_value(each).value for each in collector_queries.query_metrics(names).values())
    value = ""
    if saved is not None and share is not None:
        parts = html_text(format_value(saved, "usd")), html_tag("small", html_text(format_value(share, "ratio")))
        value = " ".join(parts)
    return Tile("saving_vs_all_large", "Saved vs all-large", value=value)


def savings_section(view: DashboardView) -> None:
    """The tab Savings."""
    others = {"saving_vs_random": "Saved vs random routing", "baseline_known_share": "Baselines known"}
    metric_tiles([savings_tile(), *(Tile(*each) for each in others.items())], view)
    for dimension in ("task_type", "team"):
        with panel(
            f"Savings by {dimension.replace('_', ' ')}",
            "what the same requests would have cost more; the router's own cost is counted in",
        ):
            breakdown_table(SAVINGS, [dimension], f"savings-by-{dimension}", links=False)
    st.caption(
        "A request's own calls in the lane are its baseline there, else a shadow's; for all others it is "
        "estimated from input tokens, by task type and lane, in this window and filter. The download has the "
        "intervals; a figure that rests on fewer than 20 shadows or calls of the same task type and lane, or on "
        "head-sampled traffic, has none, because nothing tells how far it is off."
    )
