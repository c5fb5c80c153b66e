"""What spans fill: the share of requests and calls that states each fact, what needs it, and the line to add."""

import polars as pl
import streamlit as st

from controlsurface.metrics.usage import said
from controlsurface.reader.coverage import Coverage, CoverageArgs
from controlsurface.reader.coverage.facts import BY_NAME
from controlsurface.reader.coverage.words import side_by_side
from controlsurface.reader.rows import frame
from controlsurface.ui import reading
from controlsurface.ui.markup import tag, text
from controlsurface.ui.sheet import sheet

NEEDED = {"none": "empty", "some": "weak"}


def filled() -> None:
    """The facts as a table, a column a service; the CSV has a row for each fact and service, with n."""
    rows = _rows()
    shown = pl.DataFrame(side_by_side(rows.to_dicts()))
    every = rows.filter(pl.col("all_services"))
    shown = shown.with_columns(
        every["state"].replace_strict(NEEDED, default="").alias("now"),
        (every["pages"].list.join(", ").str.replace_all("_", "-")).alias("pages"),
        every["rules"].list.join(", ").alias("rules"),
        every["add"].str.replace_all("`", "").alias("add"),
    )
    download = rows.with_columns(pl.col("pages").list.join(" "), pl.col("rules").list.join(" "))
    labels = {"now": "They are", "pages": "Pages", "rules": "Alert rules", "add": "To fill it"}
    sheet(shown, {}, "what-spans-fill", labels=labels, download=download)
    st.caption(
        "Over all traffic of this window; filters do not narrow it. Pages and rules that need a fact are empty where "
        "nothing states it, and weak where too little does."
    )


def _rows() -> pl.DataFrame:
    """A row for each fact over all services, then for each service."""
    whole = reading.view().widened(reading.MINUTES)
    args = CoverageArgs(start=whole.start, end=whole.end)
    return frame(reading.kept(Coverage(args)).rows)


def price_gaps() -> None:
    """What to do about calls without a cost: a price helps those with tokens, and only token counts the others."""
    st.caption("A model without a list price gets one in prices.toml; until then its cost is unknown, not zero.")
    lost = reading.queries(["calls_without_usage", "streamed_calls_without_usage"])
    calls, streamed = (round(rows["value"].sum()) for rows in lost.values())
    if calls:
        what, do = said(calls, streamed)
        st.caption(f"{what[:1].upper()}{what[1:]}: {do}. A price would not help them.")


def to_fill(*facts: str) -> str:
    """What to add for facts that nothing states, as HTML: the same words as in the table."""
    lines = [tag("li", text(f"{BY_NAME[each].title}: {BY_NAME[each].add}.".replace("`", ""))) for each in facts]
    return f"To fill it: {tag('ul', *lines)}"
