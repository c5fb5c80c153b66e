"""Models that no lane claims, each with a button for every lane: one click writes the configuration."""

import json
from glob import escape
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_dicts, as_polars
from controlsurface.client.queries.lane_queries import AssignLane, AssumedLanesQuery, LanesQuery
from controlsurface.client.queries.lane_queries import assumed_lanes_text as said_lanes
from controlsurface.errors import ControlSurfaceError
from controlsurface.formatting import format_count
from controlsurface.lanes.lane_assignment import LaneAssignment
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text

MAX_MODELS = 12  # models with buttons
ASSIGNMENT_KEY = "_claimed"  # what the last click did, in the session


def lane_assignment_buttons(models: pl.DataFrame) -> None:
    """Rows (model, value: calls), the busiest first, each with its lanes; the lines to write where no click can."""
    lanes = as_polars(collector_queries.fetch_cached(LanesQuery()).rows)
    named = models.drop_nulls("model")
    for model, calls in named.select("model", "value").head(MAX_MODELS).iter_rows():
        _row(model, int(calls), lanes)
    if named.height > MAX_MODELS:
        st.caption(f"and {named.height - MAX_MODELS:,} more models; they come up as those above get lanes.")
    if named.height < models.height:
        st.caption("Calls that name no model: no lane can claim them.")
    if lanes.is_empty():
        _lines(named)


def assumed_lanes_note() -> None:
    """That lanes are assumed, and where to assign them; nothing where they are known."""
    if assumed := said_lanes(_assumed()):
        st.warning(
            f"{escape_markdown(assumed[:1].upper() + assumed[1:])} on the [Data page](data).",
            icon=":material/alt_route:",
        )


def _assumed() -> list[dict[str, Any]]:
    """The models whose lanes nobody named."""
    return as_dicts(collector_queries.fetch_cached(AssumedLanesQuery()).rows)


def unassigned_models() -> pl.DataFrame:
    """Models that no lane claims, or that are in one only by assumption: model, value (calls), n."""
    guessed = {row["model"]: row["lane"] for row in _assumed()}
    rows = collector_queries.query_metric("attempts", by=["model", "lane"])
    open_ = (pl.col("lane") == "unknown") | pl.col("model").str.to_lowercase().is_in([*guessed])
    mine = rows.filter(open_).group_by("model").agg(pl.col("value").sum(), pl.col("n").sum())
    return mine.sort("value", "model", descending=[True, False])


def last_assignment_note() -> None:
    """What the last click did, once."""
    told = st.session_state.pop(ASSIGNMENT_KEY, None)
    if told:
        (st.success if told[0] else st.error)(escape_markdown(told[1]))


def _row(model: str, calls: int, lanes: pl.DataFrame) -> None:
    lane_now = next((row["lane"] for row in _assumed() if row["model"] == model.lower() and row["lane"]), None)
    now = f", assumed {lane_now}" if lane_now else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(
            html_tag(
                "div",
                html_text(model),
                html_tag("small", html_text(f"{format_count(calls)} calls{now}")),
                class_="cs-claim",
            )
        )
        for lane, escalates in lanes.select("name", "escalation").iter_rows():
            st.button(
                escape_markdown(lane),
                key=f"claim {model} {lane}",
                help=f"{escape_markdown(model)} belongs to lane {escape_markdown(lane)}"
                f"{', an escalation' if escalates else ''}",
                on_click=_claim,
                args=(model, lane),
            )


def _claim(model: str, lane: str) -> None:
    """Have the collector write it; what is shown from now on is asked anew."""
    try:
        collector_queries.collector_client().execute(
            AssignLane(LaneAssignment(model=model, lane=lane, source="dashboard"))
        )
    except ControlSurfaceError as problem:
        st.session_state[ASSIGNMENT_KEY] = False, f"{model} was not put into lane {lane}: {problem}"
        return
    collector_queries.clear_query_cache()
    st.session_state[ASSIGNMENT_KEY] = True, f"{model} is in lane {lane}, and written into the configuration."


def _lines(models: pl.DataFrame) -> None:
    """The lines of the configuration that would give these models a lane."""
    names = [json.dumps(escape(name), ensure_ascii=False) for name in models["model"]]
    st.code(f"[lanes.small]  # or large\nmodels = [..., {', '.join(names[:MAX_MODELS])}]", language=None)
    st.caption("In controlsurface.toml; `controlsurface doctor --config` prints the lists that are in force now.")
