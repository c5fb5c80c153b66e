"""The notifiers of the configuration, each with a button that sends it a test message."""

import streamlit as st

from controlsurface.alerting.delivery.notifier_commands import NotifiersQuery, SendTestMessage, TestMessage
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.errors import ControlSurfaceError
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import escape_markdown
from controlsurface.ui.widgets.panels import panel


def notifier_panel() -> None:
    """Who is notified, and whether they hear it."""
    rows = as_dicts(collector_queries.run_now(NotifiersQuery()).rows)
    with panel("Notifiers", f"{len(rows)} configured"):
        if not rows:
            st.caption("None: alerts are on this page alone. `delivery.notifiers` of the configuration names some.")
        for row in rows:
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                last = f"last sent {time_zone.minute_text(row['sent_at'])}" if row["sent_at"] else "nothing sent yet"
                st.text(f"{row['name']} ({row['kind']})\n{last}{'; ' + row['problem'] if row['problem'] else ''}")
                asked = st.button("Send test", key=f"send test {row['name']}")
            if asked:
                _send(row["name"])


def _send(name: str) -> None:
    try:
        order = SendTestMessage(name, TestMessage(who=visitor.visitor_name()))
        done = collector_queries.collector_client().execute(order)
    except ControlSurfaceError as problem:
        st.warning(f"Test not sent to {escape_markdown(name)}: {escape_markdown(problem)}")
        return
    st.success(f"Test sent to {escape_markdown(name)} in {done['elapsed_ms']:.0f} ms.")
