"""Rules on screen: which are in force and how they are, and what another threshold would have meant."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.alerting import asked
from controlsurface.alerting.payload_text import shown, span
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.query import QueryArgs
from controlsurface.settings import duration
from controlsurface.ui import reading
from controlsurface.ui.markup import palette, table, tag, text
from controlsurface.ui.panels import chart, panel

Row = Mapping[str, Any]

BACK = timedelta(days=28)
COARSEST = timedelta(minutes=15)  # the shortest step of the past that is judged
FEW_SERIES = 8  # lines of the preview; the others are counted and not drawn


def rules() -> list[dict[str, Any]]:
    """The rules in force."""
    return reading.answer(lambda: reading.reader().ask(asked.Rules())).rows.to_pylist()


def rule_table(rows: Sequence[Row]) -> None:
    """The rules, and beneath them the one chosen over the past."""
    sick = sum(row["health"] == "err" for row in rows)
    with panel("Rules", f"{len(rows)} in force, {sick} fail"):
        if not rows:
            st.caption("No rule is in force. `controlsurface rules check` looks at rule files.")
            return
        names = ("Rule", "Fires when", "Group", "Severity", "Health", "Last evaluation")
        st.html(table(names, [_line(row) for row in rows], "Rules in force"))
    _preview([row for row in rows if row["kind"] == "threshold"])


def _line(row: Row) -> str:
    about = orjson.loads(row["definition"])
    at = row["last_evaluation"]
    cells = (
        row["rule"],
        words(about, row["kind"]),
        row["group_name"],
        (about.get("labels") or {}).get("severity"),
    )
    health = tag("td", text(row["last_error"] or row["health"]), class_="bad" if row["health"] == "err" else None)
    return tag(
        "tr", *(tag("td", text(c)) for c in cells), health, tag("td", text(f"{at:%b %d %H:%M:%S}" if at else None))
    )


def words(about: Row, kind: str) -> str:
    """What a rule looks for, in a few words."""
    by = f" by {', '.join(about['by'])}" if about.get("by") else ""
    if kind == "threshold":
        side = "above" if about.get("above") is not None else "below"
        bound = about[side]
        unit = CATALOG[about["metric"]].unit
        told = shown(bound, unit) if isinstance(bound, int | float) else "another figure"
        return f"{about['metric'].replace('_', ' ')}{by} {side} {told} over {span(_seconds(about))}"
    if kind == "drift":
        return f"{about['metric'].replace('_', ' ')}{by} leaves its baseline"
    return f"{kind}{by}"


def _seconds(about: Row) -> float:
    found = duration(about.get("over", "15m"))
    return found.total_seconds() if isinstance(found, timedelta) else float(str(found))


def _preview(rows: Sequence[Row]) -> None:
    """A threshold moved by hand, held against the last four weeks."""
    fixed = {row["rule"]: orjson.loads(row["definition"]) for row in rows}
    bounds = {name: _bound(about) for name, about in fixed.items()}
    names = [name for name, bound in bounds.items() if bound is not None]
    if not names:
        return
    with panel("Try a threshold", "over the last 28 days"):
        left, right = st.columns([2, 1])
        name = left.selectbox("Rule", names, key="rule") or names[0]
        about, now = fixed[name], bounds[name] or 0.0
        unit = CATALOG[about["metric"]].unit
        scale = 100.0 if unit == "ratio" else 1.0
        label = f"Threshold{' in %' if unit == 'ratio' else ''}"
        tried = right.number_input(label, value=now * scale, key=f"threshold {name}", step=scale / 100) / scale
        found = over_time(about)
        counts = [fired(found, about, bound) for bound in (now, tried)]
        st.markdown(
            f"At {shown(now, unit)} it would have fired **{counts[0]}** times, at {shown(tried, unit)} **{counts[1]}**."
        )
        st.caption(f"Judged once in each {span(_step(about).total_seconds())}; `for` counts, slices are counted each.")
        _draw(found, about, tried, unit)


def _bound(about: Row) -> float | None:
    """The threshold, where it is a number."""
    found = about.get("above", about.get("below"))
    return float(found) if isinstance(found, int | float) else None


def _step(about: Row) -> timedelta:
    return max(COARSEST, timedelta(seconds=_seconds(about)))


def over_time(about: Row) -> pl.DataFrame:
    """The rule's metric over the past: bucket, the dimensions, value, n."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    where = tuple(f"{name}:{value or ''}" for name, values in (about.get("where") or {}).items() for value in values)
    args = QueryArgs(
        metric=about["metric"],
        by=tuple(about.get("by") or ()),
        where=where,
        start=end - BACK,
        end=end,
        every=_step(about),
    )
    return reading.ask("query", args, lambda: reading.frame(reading.reader().query(args).rows))


def fired(found: pl.DataFrame, about: Row, bound: float) -> int:
    """How often a slice would have begun to fire: breaches in a row, for long enough, on enough rows."""
    by, step = list(about.get("by") or ()), _step(about)
    above = about.get("above") is not None
    held = duration(about.get("for", "0s"))
    needed = 1 + int((held if isinstance(held, timedelta) else timedelta()) / step)
    breach = (pl.col("value") > bound) if above else (pl.col("value") < bound)
    breaches = found.filter(breach & (pl.col("n") >= max(1, int(about.get("min_count") or 1)))).sort(*by, "bucket")
    if breaches.is_empty():
        return 0
    apart = pl.col("bucket").diff().over(by) if by else pl.col("bucket").diff()
    runs = breaches.with_columns(begins=(apart.is_null() | (apart > step)).cum_sum())
    return runs.group_by("begins").len().filter(pl.col("len") >= needed).height


def _draw(found: pl.DataFrame, about: Row, bound: float, unit: str) -> None:
    """The course of the slices with most rows, and the threshold."""
    by = next(iter(about.get("by") or ()), None)
    if found.is_empty() or len(about.get("by") or ()) > 1:
        return
    end = datetime.now(UTC)
    span_ = charts.Span(end - BACK, end, _step(about))
    shown_ = found.with_columns(pl.lit("all").alias("slice")) if by is None else found.rename({by: "slice"})
    most = shown_.group_by("slice").agg(pl.col("n").sum()).sort("n", descending=True)["slice"].head(FEW_SERIES)
    figure = charts.lines(
        shown_.filter(pl.col("slice").is_in(most.implode(), nulls_equal=True)),
        span_,
        palette(),
        by="slice",
        unit=unit,
        target=bound,
        height=240,
    )
    chart(figure, alt="The rule's metric over four weeks beside the threshold")
