"""What became of everything that was sent, and what of it nobody understands yet."""

import streamlit as st

from controlsurface import ui

if not ui.anything():
    ui.nothing_yet("Nothing was received yet")

ui.claimed()
ui.lanes_assumed()
with ui.panel("What the spans fill", "the facts that pages and alert rules live on, and the line to add for each"):
    ui.filled()
with ui.panel("Accounts", "since the store was made; nothing is dropped without a line here"):
    ui.sheet(ui.ledger(), {"items": "count"}, "ingest")
    st.caption(
        "Bodies stay in the journal for `journal.retention` of the configuration and within `journal.max_size`; "
        "`controlsurface doctor --config` prints both."
    )

with ui.panel("Retention", "what is older goes by the hour; roll-ups keep its figures"):
    ui.retention_table()

left, right = st.columns(2)
with left, ui.panel("Attributes that no vocabulary reads", "a line in collectors/ makes them columns"):
    unread = ui.unrecognised()
    if unread.is_empty():
        ui.state("None", "Every attribute that came is read, or nothing came.")
    else:
        ui.sheet(unread, {"n": "count"}, "unrecognised-attributes", labels={"key": "Attribute", "n": "Spans"})
with (
    right,
    ui.panel(
        "Models that no lane claims",
        "or only by assumption; without one they count in no escalation rate. A click gives a lane",
    ),
):
    unclaimed = ui.unclaimed()
    if unclaimed.is_empty():
        ui.state("None in this window", "Every model call has a lane.")
    else:
        ui.claims(unclaimed)

left, right = st.columns(2)
with left, ui.panel("Models without a price", "prices.toml gives them one"):
    calls = ui.query("unpriced_attempts", by=["provider", "model"])
    unpriced = calls.filter(calls["value"] > 0).select("provider", "model", "value")
    if unpriced.is_empty():
        ui.state("None in this window", "Every billable call has a price.")
    else:
        ui.sheet(unpriced, {"value": "count"}, "unpriced-models", labels={"value": "Calls"})
        ui.price_gaps()
with right, ui.panel("Who sends", "services of the last seven days"):
    labels = {"spans": "Spans", "least_delay_ms": "Least delay"}
    ui.sheet(ui.sources(), {"spans": "count", "least_delay_ms": "ms"}, "sources", labels=labels)
    st.caption("A least delay below zero is a clock that runs ahead of ours.")
