"""Models that no lane claims, each with a button for every lane: one click writes the configuration."""

import json
from glob import escape
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.errors import ControlSurfaceError
from controlsurface.formatting import format_count
from controlsurface.metrics.claims import Claim
from controlsurface.reader.assumed import AssumedLanes
from controlsurface.reader.assumed import said as said_lanes
from controlsurface.reader.lanes import AssignLane, LanesQuery
from controlsurface.reader.rows import frame, records
from controlsurface.ui import reading
from controlsurface.ui.elements.markdown import plain
from controlsurface.ui.markup import tag, text

MOST = 12  # models with buttons
SAID = "_claimed"  # what the last click did, in the session


def claims(models: pl.DataFrame) -> None:
    """Rows (model, value: calls), the busiest first, each with its lanes; the lines to write where no click can."""
    lanes = frame(reading.ask(LanesQuery()).rows)
    named = models.drop_nulls("model")
    for model, calls in named.select("model", "value").head(MOST).iter_rows():
        _row(model, int(calls), lanes)
    if named.height > MOST:
        st.caption(f"and {named.height - MOST:,} more models; they come up as those above get lanes.")
    if named.height < models.height:
        st.caption("Calls that name no model: no lane can claim them.")
    if lanes.is_empty():
        _lines(named)


def lanes_assumed() -> None:
    """That lanes are assumed, and where to assign them; nothing where they are known."""
    if assumed := said_lanes(_assumed()):
        st.warning(f"{plain(assumed[:1].upper() + assumed[1:])} on the [Data page](data).", icon=":material/alt_route:")


def _assumed() -> list[dict[str, Any]]:
    """The models whose lanes nobody named."""
    return records(reading.ask(AssumedLanes()).rows)


def unclaimed() -> pl.DataFrame:
    """Models that no lane claims, or that are in one only by assumption: model, value (calls), n."""
    guessed = {row["model"]: row["lane"] for row in _assumed()}
    rows = reading.query("attempts", by=["model", "lane"])
    open_ = (pl.col("lane") == "unknown") | pl.col("model").str.to_lowercase().is_in([*guessed])
    mine = rows.filter(open_).group_by("model").agg(pl.col("value").sum(), pl.col("n").sum())
    return mine.sort("value", "model", descending=[True, False])


def said() -> None:
    """What the last click did, once."""
    told = st.session_state.pop(SAID, None)
    if told:
        (st.success if told[0] else st.error)(plain(told[1]))


def _row(model: str, calls: int, lanes: pl.DataFrame) -> None:
    lane_now = next((row["lane"] for row in _assumed() if row["model"] == model.lower() and row["lane"]), None)
    now = f", assumed {lane_now}" if lane_now else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(tag("div", text(model), tag("small", text(f"{format_count(calls)} calls{now}")), class_="cs-claim"))
        for lane, escalates in lanes.select("name", "escalation").iter_rows():
            st.button(
                plain(lane),
                key=f"claim {model} {lane}",
                help=f"{plain(model)} belongs to lane {plain(lane)}{', an escalation' if escalates else ''}",
                on_click=_claim,
                args=(model, lane),
            )


def _claim(model: str, lane: str) -> None:
    """Have the collector write it; what is shown from now on is asked anew."""
    try:
        reading.reader().do(AssignLane(Claim(model=model, lane=lane, source="dashboard")))
    except ControlSurfaceError as problem:
        st.session_state[SAID] = False, f"{model} was not put into lane {lane}: {problem}"
        return
    reading.forget()
    st.session_state[SAID] = True, f"{model} is in lane {lane}, and written into the configuration."


def _lines(models: pl.DataFrame) -> None:
    """The lines of the configuration that would give these models a lane."""
    names = [json.dumps(escape(name), ensure_ascii=False) for name in models["model"]]
    st.code(f"[lanes.small]  # or large\nmodels = [..., {', '.join(names[:MOST])}]", language=None)
    st.caption("In controlsurface.toml; `controlsurface doctor --config` prints the lists that are in force now.")
