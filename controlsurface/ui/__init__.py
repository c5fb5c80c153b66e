"""What the pages share: the frame, the view, questions to the collector, panels and states.

The only place, beside the pages themselves, that imports Streamlit.
"""

from controlsurface.formatting import format_duration, format_time_range, format_value
from controlsurface.ui import audits, desk, policy_form, what_if
from controlsurface.ui.accounts import anything, dropped, keep_line, ledger, sources, unrecognised
from controlsurface.ui.advice import advice
from controlsurface.ui.alerts import history as alert_history
from controlsurface.ui.alerts import listing as alerts
from controlsurface.ui.alerts import messages as alert_messages
from controlsurface.ui.alerts import now as alerts_now
from controlsurface.ui.alerts import strip as alert_strip
from controlsurface.ui.bar_list import bars
from controlsurface.ui.cardinality import cardinality
from controlsurface.ui.certainty import confidence, note_of_confidence
from controlsurface.ui.changes import events
from controlsurface.ui.choice import chosen, table
from controlsurface.ui.claiming import claims, lanes_assumed, unclaimed
from controlsurface.ui.claiming import said as claimed
from controlsurface.ui.compared import figure, side_by_side
from controlsurface.ui.contributor_bars import bars as different_bars
from controlsurface.ui.detection import detection
from controlsurface.ui.download import csv
from controlsurface.ui.elements.markdown import plain
from controlsurface.ui.empty import nothing_yet
from controlsurface.ui.filled import filled, price_gaps
from controlsurface.ui.finding import more, nothing, search
from controlsurface.ui.framing import frame, page
from controlsurface.ui.keeping import retention_table
from controlsurface.ui.markup import palette
from controlsurface.ui.panels import chart, on_box, panel
from controlsurface.ui.parting import part
from controlsurface.ui.ranked import ranking, standout
from controlsurface.ui.reading import distribution, queries, query, view
from controlsurface.ui.reporting import report
from controlsurface.ui.request_card import card, spans
from controlsurface.ui.rule_desk import rule_table, rules
from controlsurface.ui.selection import different, select, spike
from controlsurface.ui.separation import hidden_modes, lanes_apart
from controlsurface.ui.series import beside_all, kinds, tokens
from controlsurface.ui.sheet import beside_all_table, breakdown, sheet
from controlsurface.ui.sides import METRICS, around, nearest, samples
from controlsurface.ui.sides import tiles as side_tiles
from controlsurface.ui.silence_desk import silences
from controlsurface.ui.states import state
from controlsurface.ui.tile_row import Tile, lanes, tiles
from controlsurface.ui.usage_ledger import usage_ledger
from controlsurface.ui.versus import rivals, versus
from controlsurface.ui.weekly import attribution
from controlsurface.ui.zoom import over_time

__all__ = [
    "METRICS",
    "Tile",
    "advice",
    "alert_history",
    "alert_messages",
    "alert_strip",
    "alerts",
    "alerts_now",
    "anything",
    "around",
    "attribution",
    "audits",
    "bars",
    "beside_all",
    "beside_all_table",
    "breakdown",
    "card",
    "cardinality",
    "chart",
    "chosen",
    "claimed",
    "claims",
    "confidence",
    "csv",
    "desk",
    "detection",
    "different",
    "different_bars",
    "distribution",
    "dropped",
    "events",
    "figure",
    "filled",
    "format_duration",
    "format_time_range",
    "format_value",
    "frame",
    "hidden_modes",
    "keep_line",
    "kinds",
    "lanes",
    "lanes_apart",
    "lanes_assumed",
    "ledger",
    "more",
    "nearest",
    "note_of_confidence",
    "nothing",
    "nothing_yet",
    "on_box",
    "over_time",
    "page",
    "palette",
    "panel",
    "part",
    "plain",
    "policy_form",
    "price_gaps",
    "queries",
    "query",
    "ranking",
    "report",
    "retention_table",
    "rivals",
    "rule_table",
    "rules",
    "samples",
    "search",
    "select",
    "sheet",
    "side_by_side",
    "side_tiles",
    "silences",
    "sources",
    "spans",
    "spike",
    "standout",
    "state",
    "table",
    "tiles",
    "tokens",
    "unclaimed",
    "unrecognised",
    "usage_ledger",
    "versus",
    "view",
    "what_if",
]
