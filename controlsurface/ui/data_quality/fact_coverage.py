"""What spans fill: the share of requests and calls that states each fact, what needs it, and the line to add."""

import polars as pl
import streamlit as st

from controlsurface.client.advice.cost_advice import missing_usage_text
from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.coverage_query import CoverageQuery, coverage_by_service
from controlsurface.client.queries.span_facts import FACTS_BY_NAME
from controlsurface.query.arguments import WeekRange
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import html_tag, html_text
from controlsurface.ui.widgets.data_table import data_table

COVERAGE_WIDTH_PX = 140  # of a share and what it is of
COVERAGE_VERDICTS = {"none": "empty", "some": "weak"}


def fact_coverage_table() -> None:
    """The facts as a table, a column a service; the CSV has a row for each fact and service, with n."""
    rows = _rows()
    shown = pl.DataFrame(coverage_by_service(rows.to_dicts()))
    every = rows.filter(pl.col("all_services"))
    shown = shown.with_columns(
        every["state"].replace_strict(COVERAGE_VERDICTS, default="").alias("now"),
        every["pages"].list.join(", ").str.replace_all("_", "-").alias("pages"),
        every.select(_first_of("rules")).to_series(),
        every["add"].str.replace_all("`", "").alias("add"),
    ).with_columns(pl.when(pl.col("now") != "").then("add").otherwise(pl.lit("")))
    download = rows.with_columns(pl.col("pages").list.join(" "), pl.col("rules").list.join(" "))
    labels = {"now": "Pages are", "pages": "Pages", "rules": "Alert rules", "add": "To fill it"}
    widths = {each: COVERAGE_WIDTH_PX for each in shown.columns if each not in {*labels, "fact", "of"}}
    data_table(shown, {}, "what-spans-fill", labels=labels, download=download, widths=widths)
    st.caption(
        "Over all traffic of this window; filters do not narrow it. Pages and rules that need a fact are empty where "
        "nothing states it, and weak where too little does."
    )


def _first_of(names: str) -> pl.Expr:
    """The first of a list, and how many more there are: the download has them all."""
    more = pl.col(names).list.len() - 1
    first = pl.col(names).list.first()
    return pl.when(more > 0).then(pl.format("{} +{}", first, more)).otherwise(first).fill_null("").alias(names)


def _rows() -> pl.DataFrame:
    """A row for each fact over all services, then for each service."""
    whole = collector_queries.current_view().widened(collector_queries.SLOW_ANSWER_TTL)
    args = WeekRange(start=whole.start, end=whole.end)
    return as_polars(collector_queries.fetch_slow_cached(CoverageQuery(args)).rows)


def price_gap_advice() -> None:
    """What to do about calls without a cost: a price helps those with tokens, and only token counts the others."""
    st.caption("A model without a list price gets one in prices.toml; until then its cost is unknown, not zero.")
    lost = collector_queries.query_metrics(["calls_without_usage", "streamed_calls_without_usage"])
    calls, streamed = (round(rows["value"].sum()) for rows in lost.values())
    if calls:
        what, do = missing_usage_text(calls, streamed)
        st.caption(f"{what[:1].upper()}{what[1:]}: {do}. A price would not help them.")


def missing_facts_html(*facts: str) -> str:
    """What to add for facts that nothing states, as HTML: the same words as in the table."""
    lines = [
        html_tag("li", html_text(f"{FACTS_BY_NAME[each].title}: {FACTS_BY_NAME[each].add}.".replace("`", "")))
        for each in facts
    ]
    return f"To fill it: {html_tag('ul', *lines)}"
