"""How soon a drift would be found in each slice, and the button that makes what is drifting the new baseline."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson
import polars as pl
import streamlit as st

from controlsurface.alerting.detectors.drift.rebaseline import AcceptBaseline, BaselineAcceptance
from controlsurface.alerting.detectors.statistics.count_baseline import HOUR_CELLS, HOUR_S, mean_hourly_volume
from controlsurface.alerting.detectors.statistics.cusum import score_threshold
from controlsurface.alerting.detectors.statistics.detection_power import expected_delay, requests_needed
from controlsurface.arrays import Floats
from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.errors import ControlSurfaceError
from controlsurface.formatting import format_count, format_value
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.elements.html_tags import escape_markdown, html_table, html_tag, html_text
from controlsurface.ui.widgets.panels import panel

Row = Mapping[str, Any]

WEEK, HOUR = timedelta(days=7), timedelta(hours=1)
OBSERVED_HOURS = 7 * 24
ODDS_RATIOS = (1.5, 2.0, 3.0)
MAX_SLICES = 12  # slices listed


def detection_delay(rules: Sequence[Row]) -> None:
    """For a drift rule that watches a share: hours until odds times 1.5, 2 and 3 are expected to be found."""
    drifts = {row["rule"]: orjson.loads(row["definition"]) for row in rules if row["kind"] == "drift"}
    _accept(sorted(drifts))
    shares = {name: about for name, about in drifts.items() if CATALOG[about["metric"]].kind == "ratio"}
    if not shares:
        return
    with panel("Time to detect", "a slice with few requests cannot be fast"):
        name = st.selectbox("Drift rule", list(shares), key="drift") or next(iter(shares))
        rows = _slices(shares[name])
        busy = _busy(shares[name])
        streams = max(1, sum(_slices(about).height for about in shares.values()))
        names = (*shares[name].get("by", ()), "Share", "Requests a day", *(f"Odds × {odds:g}" for odds in ODDS_RATIOS))
        by = list(shares[name].get("by", ()))
        lines = [_line(row, by, streams, busy[_key(row, by)]) for row in rows.head(MAX_SLICES).to_dicts()]
        st.html(html_table(names, lines, "Expected time until a drift is found"))
        left = max(0, rows.height - MAX_SLICES)
        more = f" The {MAX_SLICES} largest slices; {left} more are watched." if left else ""
        told = f"From the last week, for {streams} streams and one false alert a week in all"
        st.caption(
            f"{escape_markdown(told)}; from the busiest hour in which a drift may begin to the quietest."
            f"{escape_markdown(more)}"
        )


def _slices(about: Row) -> pl.DataFrame:
    """The slices of a rule in the last week: the dimensions, value, n, the largest first."""
    return _week(about, None).sort("n", descending=True)


def _busy(about: Row) -> dict[tuple[str | None, ...], Floats]:
    """Of each slice, the requests in an hour of each cell of the baseline, from the last week: 48 each."""
    by = list(about.get("by") or ())
    rows = _week(about, HOUR)
    first_s = int(_last_hour().timestamp()) - OBSERVED_HOURS * HOUR_S
    at_s = first_s + HOUR_S * np.arange(OBSERVED_HOURS)
    counts: dict[tuple[str | None, ...], Floats] = defaultdict(lambda: np.zeros(OBSERVED_HOURS))
    for row in rows.to_dicts():
        place = (int(row["bucket"].timestamp()) - first_s) // HOUR_S
        if 0 <= place < OBSERVED_HOURS:
            counts[_key(row, by)][place] += row["n"] or 0
    found: dict[tuple[str | None, ...], Floats] = defaultdict(lambda: np.zeros(HOUR_CELLS))
    return found | {key: mean_hourly_volume(at_s, n[:, None])[:, 0] for key, n in counts.items()}


def _week(about: Row, every: timedelta | None) -> pl.DataFrame:
    """A rule's metric in the last week, by its dimensions."""
    end = _last_hour()
    args = MetricArgs(metric=about["metric"], by=tuple(about.get("by") or ()), start=end - WEEK, end=end, every=every)
    return as_polars(collector_queries.fetch_cached(MetricQuery(args)).rows)


def _last_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def _key(row: Row, by: Sequence[str]) -> tuple[str | None, ...]:
    return tuple(row[name] for name in by)


def _line(row: Row, by: Sequence[str], streams: int, busy: Floats) -> str:
    """One slice; a share of nought or one has no odds, and so no time."""
    value, a_day = row["value"], row["n"] / 7
    hours = [_hours(value, busy, odds, streams) for odds in ODDS_RATIOS]
    cells = [*(row[name] or "unknown" for name in by), format_value(value, "ratio"), format_count(a_day), *hours]
    return html_tag("tr", *(html_tag("td", html_text(cell)) for cell in cells))


def _hours(value: float | None, busy: Floats, odds: float, streams: int) -> str:
    """From the shortest time to the longest, in the unit of the longest."""
    if value is None or not 0 < value < 1 or not busy.any():
        return "–"
    found = expected_delay(np.atleast_1d(requests_needed(value, odds, score_threshold(streams))), busy[:, None])
    low, high = float(found.low[0]), float(found.high[0])
    unit, name = (24, "d") if high >= 48 else (1, "h")
    ends = dict.fromkeys(f"{each / unit:.1f}" for each in (low, high))
    return f"{' to '.join(ends)} {name}"


def _accept(known: Sequence[str]) -> None:
    """What a link with `accept=` asks for; nothing without one."""
    name = st.query_params.get("accept", "")
    if name not in known:
        return
    with panel("Accept as baseline", name), st.form("accept", border=False):
        st.caption("What the rule sees now is normal from here on; it watches for what differs from that.")
        left, right = st.columns(2)
        with left:
            who = visitor.name_field("Author", "accept who")
        why = right.text_input("Reason", key="accept why")
        if st.form_submit_button("Accept"):
            _accepted(name, who, why)


def _accepted(name: str, who: str, why: str) -> None:
    try:
        collector_queries.collector_client().execute(AcceptBaseline(name, BaselineAcceptance(who=who, why=why or None)))
    except ControlSurfaceError as problem:
        st.warning(f"Not accepted: {escape_markdown(problem)}")
        return
    st.success(f"{escape_markdown(name)}: what it sees now is its baseline from the next look on.")
