"""Links within triage: the page as it is, with one filter, selection or split changed."""

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlencode

import streamlit as st

from controlsurface.query.dimensions import SHARED_DIMENSIONS
from controlsurface.ui.elements.html_tags import html_tag, html_text
from controlsurface.ui.navigation.triage_selection import (
    SLICE_PARAMETER,
    SPLIT_PARAMETER,
    TriageSelection,
    baseline_parameters,
    triage_parameters,
)
from controlsurface.ui.navigation.view_controls import custom_range_parameters
from controlsurface.ui.view import UNKNOWN_VALUE_LABEL

MAX_FILTER_VALUES = 20  # of one dimension, which the filter takes


def same_page_link(words: str, title: str, **changes: object) -> str:
    """A link to the page of now with parts of its address changed."""
    given = {name: st.query_params.get_all(name) for name in st.query_params}
    href = f"triage?{urlencode(given | changes, doseq=True)}"
    return html_tag("a", html_text(words), href=href, class_="cs-link", title=title)


def filter_link(dimension: str, value: str | None) -> str:
    """Only this value."""
    if dimension in SHARED_DIMENSIONS:
        return same_page_link("filter", "only these requests", **{dimension: [value or UNKNOWN_VALUE_LABEL]})
    pairs = [*st.query_params.get_all(SLICE_PARAMETER), f"{dimension}:{value or ''}"]
    return same_page_link("filter", "only these rows of the metric", **{SLICE_PARAMETER: pairs})


def exclude_link(dimension: str, value: str | None, others: Iterable[str | None]) -> str:
    """All other values, where they are few enough to be named; else nothing."""
    rest = [other or UNKNOWN_VALUE_LABEL for other in others if other != value]
    if dimension not in SHARED_DIMENSIONS or not 0 < len(rest) <= MAX_FILTER_VALUES:
        return ""
    return same_page_link("exclude", "all other values", **{dimension: rest})


def split_link(dimension: str) -> str:
    """The metric by this dimension."""
    return same_page_link("split", f"the metric by {dimension.replace('_', ' ')}", **{SPLIT_PARAMETER: dimension})


def since_link(about: TriageSelection, words: str) -> str:
    """The selection and baseline of `about`, as an address has them."""
    minute = timedelta(minutes=1)
    return same_page_link(
        words,
        "compare the time since with the time before",
        **custom_range_parameters(about.baseline.start, about.selection.end + minute),
        **triage_parameters(about.selection.start, about.selection.end),
        **baseline_parameters(about.baseline.start, about.baseline.end),
        against="rule",
        zoom="",
    )
