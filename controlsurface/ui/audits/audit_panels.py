"""What audits tell: how often lanes disagree, where the large one is worse, and what a confidence is worth."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.audit import calibration_query, disagreement_query
from controlsurface.audit.answer_review import reviewer_agreement
from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.query_protocol import Query, Result
from controlsurface.formatting import format_ratio, format_value
from controlsurface.query.arguments import FilteredRange
from controlsurface.query.dimensions import DIMENSIONS
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data_quality.fact_coverage import missing_facts_html
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text, palette
from controlsurface.ui.view import MIN_SHARE_ROWS, DashboardView
from controlsurface.ui.widgets.data_table import data_table
from controlsurface.ui.widgets.panels import chart

ERROR_LABELS = {"within": "Within-bin variance"}
BREAKDOWN_DIMENSIONS = {"Task type": "task_type", "Lane": "lane", "Confidence": "band", "Model": "model"}
_UNITS = {
    **dict.fromkeys(("value", "low", "high", "people", "people_low", "people_high", "large_minus_small"), "ratio"),
    **dict.fromkeys(("people_share", "graded_share"), "ratio"),
    **dict.fromkeys(("n", "human_n", "graded"), "count"),
    "ac1": "index",
}
_LABELS = {
    "value": "Disagreement",
    "low": "from",
    "high": "to",
    "ac1": "AC1",
    "people": "Human-corrected (PPI++)",
    "people_low": "from ",
    "people_high": "to ",
    "human_n": "Labelled",
    "n": "Pairs",
    "graded": "Graded",
    "graded_share": "of requests",
    "large": "Large vs small",
    "large_minus_small": "Large minus small",
    "comparator": "Compared by",
}


def pair_arguments(view: DashboardView) -> dict[str, Any]:
    """The window, and those of its filters that pairs know."""
    known = DIMENSIONS["comparisons"]
    return view.asked | {"where": tuple(each for each in view.where if each.partition(":")[0] in known)}


def fetch_audit(query: Query[Result]) -> tuple[pl.DataFrame, Mapping[str, Any]]:
    """A query's rows and facts, shared like all answers."""
    found = collector_queries.fetch_cached(query)
    return as_polars(found.rows), found.facts


def disagreement_panel(view: DashboardView) -> None:
    """How often the lanes disagree by a dimension, with intervals, and the slices where the large lane is worse."""
    left_out = [each for each in view.where if each not in pair_arguments(view)["where"]]
    chosen = st.segmented_control(
        "By", list(BREAKDOWN_DIMENSIONS), default="Task type", required=True, key="by", bind="query-params"
    )
    by = BREAKDOWN_DIMENSIONS.get(chosen or "", "task_type")
    args = disagreement_query.DisagreementArgs(by=(by,), **pair_arguments(view))
    rows, _ = fetch_audit(disagreement_query.DisagreementQuery(args))
    if left_out:
        names = ", ".join(sorted({each.partition(":")[0] for each in left_out}))
        st.caption(f"Pairs do not know {escape_markdown(names)}; all are shown.")
    if rows.is_empty():
        states.empty_state(
            "No pairs of answers in this window",
            "A router that sends some requests to another lane as well, as shadow calls, makes pairs. "
            f"{html_tag('code', 'controlsurface audit plan')} proposes which.",
            missing_facts_html("shadow", "sampling", "answer_label"),
        )
        return
    enough = rows.with_columns(
        pl.when(pl.col("n") >= MIN_SHARE_ROWS).then(pl.col(each)) for each in ("value", "low", "high", "ac1")
    )
    if enough["value"].drop_nulls().len():
        figure = charts.interval_whiskers(enough.with_columns(pl.col(by).fill_null("unknown")), palette(), by=by)
        chart(figure, alt=f"Share of pairs whose answers disagree, by {chosen}, with 95 % intervals")
    ranked = enough.sort("value", descending=True, nulls_last=True)
    if "comparator" in ranked.columns:  # its version is in the file
        ranked = ranked.with_columns(pl.col("comparator").str.replace(r", version \w+$", ""))
    shown = ranked.select(by, *(each for each in _LABELS if each in rows.columns))
    unit = {each: _UNITS[each] for each in shown.columns if each in _UNITS}
    data_table(shown, unit, f"disagreement-by-{by}", labels=_LABELS, download=rows)
    _caveats(rows, by)


def _caveats(rows: pl.DataFrame, by: str) -> None:
    """What keeps the figures from being more than they are."""
    worse = (
        rows.filter(pl.col("large") == "worse", pl.col("graded") >= MIN_SHARE_ROWS)[by].fill_null("unknown").to_list()
    )
    if worse:
        said = f"The large lane is worse than the small one: {', '.join(worse)}."
        st.warning(f"{escape_markdown(said)} Escalating destroys value there.")
    perhaps = rows.filter(pl.col("large").is_in(["worse", "perhaps worse"]))[by].fill_null("unknown").to_list()
    if unsure := [each for each in perhaps if each not in worse]:
        st.caption(
            "Perhaps worse in the large lane; too few answers are graded to tell: "
            f"{escape_markdown(', '.join(unsure))}."
        )
    unknown = int(rows["unknown_probability"].sum())
    if unknown:
        st.caption(f"{unknown:,} pairs do not say with which probability they were sampled; each counts once.")
    if rows["judge_only"].fill_null(value=False).any():
        st.caption("A judge alone, without people's labels, has no interval: nobody knows how far it is from people.")
    if rows["n"].min() < MIN_SHARE_ROWS:  # type: ignore[operator]
        st.caption(f"– fewer than {MIN_SHARE_ROWS:,} pairs are too few to be shown.")


def reviewer_agreement_panel(view: DashboardView) -> None:
    """How far each two reviewers agree, and all labels as a file."""
    window = FilteredRange(**pair_arguments(view))
    rows, _ = fetch_audit(reviewer_agreement.ReviewerAgreementQuery(window))
    if rows.is_empty():
        states.empty_state("No item has two labels", "The second queue shows what others have labelled.")
        return
    labels = {"one": "Reviewer", "other": "and", "n": "Both labelled", "raw": "Agree", "ac1": "AC1"}
    columns = rows.select("one", "other", "n", "raw", "low", "high", "ac1")
    shares = dict.fromkeys(("raw", "low", "high"), "ratio")
    data_table(columns, {"n": "count", "ac1": "index", **shares}, "reviewers", labels=labels, download=rows)


def calibration_panel(view: DashboardView) -> None:
    """The reliability curve, or why there is none."""
    args = calibration_query.CalibrationArgs(**view.asked)
    rows, facts = fetch_audit(calibration_query.CalibrationQuery(args))
    if facts["refused"]:
        states.empty_state(
            "No calibration", html_text(f"{facts['refused']} (n {facts['n']:,})"), missing_facts_html("confidence")
        )
    if (ranking := facts["ranking"]) and ranking["value"] is not None:
        _facts({"Ranks a right answer over a wrong one (AUC)": format_value(ranking["value"], "ratio")})
    if facts["refused"] or rows.is_empty():
        return
    chart(
        charts.reliability_curve(rows, palette()), alt="How often the small lane's answers are right at each confidence"
    )
    _facts(
        {
            ERROR_LABELS.get(name, name.replace("_", " ").capitalize().replace("Ece", "ECE")): f"{value:.4f}"
            for name, value in facts["errors"].items()
            if isinstance(value, float)
        }
    )
    by = describe_basis(facts, facts["basis"] or "nobody")
    st.caption(
        f"n {facts['n']:,}; right by {escape_markdown(by)}; confidence is a {escape_markdown(facts['kind'])}. "
        "ECE corrected is the estimate, ECE low and ECE high its 95 % interval."
    )


def describe_basis(facts: Mapping[str, Any], basis: str) -> str:
    """What is said to be right, and how many pairs stand for which share of the requests where that differs by part.

    >>> describe_basis({"graded": 100, "graded_share": 0.25, "by_agreement": 1410, "agreement_share": 0.7}, "both")
    'both (100 graded pairs stand for 25.0 % of requests, 1,410 compared ones for 70.0 %)'
    """
    if not (facts["graded"] and facts["by_agreement"]):
        return basis
    return (
        f"{basis} ({facts['graded']:,} graded pairs stand for {format_ratio(facts['graded_share'])} of requests, "
        f"{facts['by_agreement']:,} compared ones for {format_ratio(facts['agreement_share'])})"
    )


def _facts(pairs: Mapping[str, object]) -> None:
    """Figures in a line."""
    st.html(
        html_tag(
            "dl",
            *(html_tag("div", html_tag("dt", html_text(n)), html_tag("dd", html_text(v))) for n, v in pairs.items()),
            class_="cs-facts",
        )
    )
