"""Short lists as bars, a figure each, and by what contributors are listed."""

import polars as pl
import streamlit as st

from controlsurface.client.queries.contributor_result import ContributorResult
from controlsurface.formatting import format_ratio, format_value
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text, palette


def bar_list(rows: pl.DataFrame, name: str, *, unit: str, most: int = 8) -> None:
    """Rows (name, value), largest first; those beyond `most` are summed up in words."""
    ranked = rows.drop_nulls("value").sort("value", descending=True)
    largest = ranked["value"].max() or 1
    lines = (_bar_line(row[name], row["value"], row["value"] / largest, unit) for row in ranked.head(most).to_dicts())
    st.html(html_tag("div", *lines, class_="cs-bars", role="list"))
    if ranked.height > most:
        rest = format_value(float(ranked["value"][most:].sum()), unit)
        st.caption(f"and {ranked.height - most:,} more, {escape_markdown(rest)} together")


def _bar_line(name: object, value: float, share: float, unit: str) -> str:
    bar = html_tag("div", class_="bar", style=f"width:{share * 100:.1f}%;background:{palette().accent}")
    shown = html_text("unknown" if name is None else name)
    return html_tag(
        "div",
        html_tag("div", shown, title=shown),
        bar,
        html_tag("div", html_text(format_value(value, unit)), class_="figure"),
        role="listitem",
    )


def contributor_criteria(found: ContributorResult) -> str:
    """Which values are listed, and by what they are ranked."""
    if found.total:
        least = format_ratio(found.least_share)
        return f"Minimum {least} of a dimension's change, ranked by contribution beyond its share of the baseline."
    return f"Minimum {found.support} rows, ranked by significance."
