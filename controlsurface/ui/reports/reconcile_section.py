"""The tab Reconcile of the page Cost: imported bills against estimates, and a form that imports one."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_polars
from controlsurface.errors import ControlSurfaceError
from controlsurface.export.reconciliation.bill_comparison import REASONS
from controlsurface.export.reconciliation.bill_import import BillsQuery, import_bill
from controlsurface.export.reconciliation.bill_reader import read_bill
from controlsurface.export.reconciliation.bill_tables import parse_mapping
from controlsurface.export.reconciliation.reconciliation_query import ReconciliationArgs, ReconciliationQuery
from controlsurface.formatting import format_money, format_value
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import escape_markdown
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.data_table import data_table
from controlsurface.ui.widgets.panels import panel

IMPORTED_KEY = "_bill_imported"  # what was imported last, said once
STATUS_LABELS = {
    "matched": "Matched",
    "different": "Different amount",
    "theirs_only": "Bill only",
    "ours_only": "Estimate only",
}
_UNITS = {
    **dict.fromkeys(("theirs_usd", "ours_usd", "difference_usd"), "usd"),
    **dict.fromkeys(("calls", "unpriced"), "count"),
}
_LABELS = {
    "theirs_usd": "Bill",
    "ours_usd": "Estimate",
    "difference_usd": "Difference",
    "calls": "Calls",
    "unpriced": "Calls without a price",
}


def reconcile_section(view: DashboardView) -> None:
    """Draw the tab, for the days of the bar's range."""
    with panel("Bills against estimates", "by day, provider and model; difference is bill less estimate"):
        _differences(view)
    left, right = st.columns(2)
    with left, panel("Imported bills", "a later one takes the place of an earlier one of the same account and day"):
        _bills()
    with right, panel("Import a bill"):
        _import_form()


def _differences(view: DashboardView) -> None:
    days = ReconciliationArgs(start=view.start, end=view.end)
    answer = collector_queries.fetch_cached(ReconciliationQuery(days))
    rows = as_polars(answer.rows)
    if rows.is_empty():
        states.empty_state(
            "No bill covers this range",
            "Import one here or with `controlsurface reconcile BILL`; OpenAI's and Anthropic's cost reports, FOCUS "
            "exports, and any CSV with a mapping are read.",
        )
        return
    st.caption(escape_markdown(summary_text(answer.facts)))
    shown = rows.select(
        "day",
        "provider",
        "model",
        pl.col("status").replace(STATUS_LABELS),
        *_UNITS,
        pl.col("reasons").list.eval(pl.element().replace(REASONS)).list.join("; ").alias("likely reason"),
    ).sort(pl.col("difference_usd").abs(), descending=True)
    data_table(shown, _UNITS, "reconciliation", labels=_LABELS, download=shown)


def summary_text(facts: Mapping[str, Any]) -> str:
    """What the whole comes to.

    >>> summary_text({"coverage": 0.954, "matched_share": 0.5, "theirs_usd": 12, "ours_usd": None})
    'Bills $12.00, estimates unknown. Estimates account for 95.4 % of the billed usage; 50.0 % of it matches.'
    """
    theirs, ours = (
        "unknown" if facts[name] is None else format_money(float(facts[name])) for name in ("theirs_usd", "ours_usd")
    )
    covered, matched = (
        "an unknown share" if facts[name] is None else format_value(facts[name], "ratio")
        for name in ("coverage", "matched_share")
    )
    whole = f"Bills {theirs}, estimates {ours}."
    return f"{whole} Estimates account for {covered} of the billed usage; {matched} of it matches."


def _bills() -> None:
    rows = as_polars(collector_queries.fetch_cached(BillsQuery()).rows)
    if rows.is_empty():
        st.caption("None yet.")
        return
    shown = rows.select(
        "file", "form", "account", "first_day", "last_day", "lines", "amount_usd", "imported_by", "complete"
    )
    data_table(shown, {"amount_usd": "usd", "lines": "count"}, "bills", labels={"amount_usd": "Amount"})


def _import_form() -> None:
    """A file, and for a CSV of any kind its mapping."""
    if said := st.session_state.pop(IMPORTED_KEY, None):
        st.success(escape_markdown(said))
    with st.form("bill", border=False, clear_on_submit=True):
        file = st.file_uploader("Bill (JSON, CSV, Parquet)", key="bill_file")
        mapping = st.text_area("Mapping of a CSV's columns (TOML)", key="bill_mapping", height=120)
        account = st.text_input("Account, where there are several", max_chars=200, key="bill_account")
        who = visitor.name_field("Imported by", "bill author", width=200)
        if st.form_submit_button("Import", type="secondary") and file is not None:
            _import(file.name, file.getvalue(), mapping, account.strip(), who)


def _import(name: str, body: bytes, mapping: str, account: str, who: str) -> None:
    try:
        bill = read_bill(name, body, parse_mapping(mapping, "mapping") if mapping.strip() else None)
        import_bill(collector_queries.collector_client(), bill, body, account, who)
    except ControlSurfaceError as problem:
        st.warning(f"Not imported: {escape_markdown(problem)}")
        return
    more = "; ".join([f"{bill.skipped:,} lines are about something else"] * bool(bill.skipped) + [*bill.warnings])
    st.session_state[IMPORTED_KEY] = f"{name}: {len(bill.lines):,} lines imported" + (f"; {more}" if more else "")
    collector_queries.clear_query_cache()
    st.rerun()
