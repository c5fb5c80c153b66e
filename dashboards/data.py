"""What became of everything that was sent, and what of it nobody understands yet."""

import streamlit as st

from controlsurface import ui

if not ui.has_received_anything():
    ui.no_requests_state("Nothing was received yet")

ui.last_assignment_note()
ui.assumed_lanes_note()
with ui.panel("What the spans fill", "the facts that pages and alert rules live on, and the line to add for each"):
    ui.fact_coverage_table()
with ui.panel("Ingest ledger", "since the store was made; nothing is dropped without a line here"):
    ui.data_table(ui.ingest_counters(), {"items": "count"}, "ingest")
    st.caption(
        "Bodies stay in the journal for `journal.retention` of the configuration and within `journal.max_size`; "
        "`controlsurface doctor --config` prints both."
    )

with ui.panel("Usage ledger", "every span with tokens or a cost, once"):
    ui.usage_ledger_table()

with ui.panel("Values over the limit", "dimensions with more values on a day than are told apart; the rest is (other)"):
    ui.cardinality_table()

with ui.panel("Retention", "what is older goes by the hour; roll-ups keep its figures"):
    ui.retention_table()

left, right = st.columns(2)
with left, ui.panel("Unmapped attributes", "no vocabulary reads them; a line in collectors/ makes them columns"):
    unread = ui.unrecognised_attributes()
    if unread.is_empty():
        ui.empty_state("None", "Every attribute that came is read, or nothing came.")
    else:
        ui.data_table(unread, {"n": "count"}, "unrecognised-attributes", labels={"key": "Attribute", "n": "Spans"})
with (
    right,
    ui.panel(
        "Unassigned models",
        "no lane claims them, so they count in no escalation rate. A click gives a lane",
    ),
):
    unclaimed = ui.unassigned_models()
    if unclaimed.is_empty():
        ui.empty_state("None in this window", "Every model call has a lane.")
    else:
        ui.lane_assignment_buttons(unclaimed)

with ui.panel(
    "Content not stored", "which keys, how often; counts of bodies that are not stored yet end with the process"
):
    dropped = ui.content_not_stored()
    if dropped.is_empty():
        ui.empty_state("None", "Everything that came was known to hold no content, or all of it is kept.")
    else:
        ui.data_table(dropped, {"n": "count"}, "content-not-stored", labels={"key": "Attribute", "n": "Values"})
        st.caption("To keep the most frequent ones from now on, write into the configuration those of them you mean:")
        st.code(ui.keep_configuration_lines(dropped["key"].head(5)), language="toml")

left, right = st.columns(2)
with left, ui.panel("Models without a price", "prices.toml gives them one"):
    calls = ui.query_metric("unpriced_attempts", by=["provider", "model", "unpriced_parts"])
    calls = calls.with_columns(calls["unpriced_parts"].fill_null("all"))
    unpriced = calls.filter(calls["value"] > 0).select("provider", "model", "unpriced_parts", "value")
    if unpriced.is_empty():
        ui.empty_state("None in this window", "Every billable call is fully priced.")
    else:
        labels = {"unpriced_parts": "No price for", "value": "Calls"}
        ui.data_table(unpriced, {"value": "count"}, "unpriced-models", labels=labels)
        ui.price_gap_advice()
with right, ui.panel("Sources", "services of the last seven days"):
    labels = {"spans": "Spans", "least_delay_ms": "Min. lag"}
    ui.data_table(ui.sending_services(), {"spans": "count", "least_delay_ms": "ms"}, "sources", labels=labels)
    st.caption("A lag below zero is a clock that runs ahead of ours.")
