"""One request on a card: why it went where it went, the facts of the decision, every call with its cost."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import streamlit as st

from controlsurface.client.arrow_rows import as_dicts, as_polars
from controlsurface.client.queries.request_detail import RequestDetail
from controlsurface.formatting import format_value
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import html_table, html_tag, html_text, palette
from controlsurface.ui.requests.routing_reason import explain_routing
from controlsurface.ui.requests.waterfall import waterfall

Row = Mapping[str, Any]


def request_card(detail: RequestDetail) -> None:
    """The sentence, the facts, the attempts and what was evaluated."""
    attempts, evaluations = as_dicts(detail.attempts), as_dicts(detail.evaluations)
    st.html(request_card_html(detail.request, attempts, evaluations))


def request_card_html(request: Row, attempts: Sequence[Row], evaluations: Sequence[Row]) -> str:
    """The card as HTML; a table without rows is left out."""
    parts = [html_tag("p", html_text(explain_routing(request, attempts)), class_="cs-why"), _facts(request)]
    if attempts:
        parts.append(_table(ATTEMPT_COLUMNS, [_attempt(each) for each in attempts], "model calls of this request"))
    if evaluations:
        parts.append(
            _table(EVALUATION_COLUMNS, [_evaluation(each) for each in evaluations], "evaluations of this request")
        )
    return "".join(parts)


def request_trace(detail: RequestDetail) -> None:
    """The whole trace of a request as bars, and as a file."""
    request = detail.request
    trace = collector_queries.fetch_trace(request["trace_id"], request["started_at"])
    if trace is None:
        st.caption("The spans of this trace are no longer kept; what is above outlives them.")
        return
    attempts = as_polars(detail.attempts)
    lanes = dict(attempts.select("span_id", "lane").iter_rows()) | {request["span_id"]: request["lane"]}
    trace_bars(trace, request["trace_id"], lanes)


def trace_bars(trace: Mapping[str, Any], trace_id: str, lanes: Mapping[str, str]) -> None:
    """A trace (OTLP/JSON) as bars, with the button that downloads it."""
    waterfall(trace, lanes)
    name = f"{trace_id}.otlp.json"
    icon = ":material/download:"
    st.download_button("OTLP/JSON", orjson.dumps(trace), name, "application/json", icon=icon, on_click="ignore")


EVALUATION_COLUMNS = ("evaluation", "score", "label", "explanation")
ATTEMPT_COLUMNS = (
    "call",
    "lane",
    "model",
    "outcome",
    "latency",
    "first token",
    "tokens in",
    "tokens out",
    "cost",
    "price from",
)


def _attempt(row: Row) -> tuple[str, ...]:
    outcome = row["error_type"] or "failed" if row["failed"] else row["finish"] or "ok"
    gate = f", check: {row['gate']}" if row["gate"] else ""
    return (
        html_text(row["purpose"]),
        _lane(row["lane"]),
        html_text(row["model"]),
        html_tag("span", html_text(f"{outcome}{gate}"), class_="bad" if row["failed"] or row["gate"] == "fail" else ""),
        html_text(format_value(row["duration_ms"], "ms")),
        html_text(format_value(row["ttft_ms"], "ms")),
        html_text(format_value(row["input_tokens"], "count")),
        html_text(format_value(row["output_tokens"], "count")),
        html_text(format_value(row["cost_usd"], "usd")),
        html_text(_priced_by(row)),
    )


def _priced_by(row: Row) -> str:
    """Whose price it was, and what that leaves out."""
    source = str(row["cost_source"] or "unpriced")
    return f"{source}, without {row['unpriced_parts'].replace(',', ' and ')}" if row["unpriced_parts"] else source


def _evaluation(row: Row) -> tuple[str, ...]:
    return html_text(row["name"]), html_text(row["score"]), html_text(row["label"]), html_text(row["explanation"])


def _facts(row: Row) -> str:
    """The decision in figures."""
    pairs = {
        "lane": _lane(row["lane"]),
        "confidence / threshold": _certainty(row),
        "task / tenant": html_text(f"{row['task_type'] or '–'} / {row['tenant'] or '–'}"),
        "router": html_text(" ".join(filter(None, (row["router"], row["router_version"]))) or None),
        "latency": _both(format_value(row["duration_ms"], "ms"), f"first token {format_value(row['ttft_ms'], 'ms')}"),
        "tokens in / out": html_text(
            f"{format_value(row['input_tokens'], 'count')} / {format_value(row['output_tokens'], 'count')}"
        ),
        "cost": _both(format_value(row["cost_usd"], "usd"), row["cost_source"] or "unpriced"),
        "trace": html_tag("code", html_text(row["trace_id"])),
    }
    return html_tag(
        "dl",
        *(html_tag("div", html_tag("dt", html_text(name)), html_tag("dd", value)) for name, value in pairs.items()),
        class_="cs-facts",
    )


def _lane(name: str) -> str:
    return html_tag("span", html_tag("i", class_="cs-dot", style=f"background:{palette().lane(name)}"), html_text(name))


def _certainty(row: Row) -> str:
    known, threshold = row["confidence"], row["threshold"]
    if known is None:
        return _both("–", f"threshold {threshold:.2f}" if threshold is not None else "")
    if threshold is None:
        return html_text(f"{known:.3f}")
    kind = str(row.get("confidence_kind") or "")
    margin = f"margin {known - threshold:+.3f}{'' if kind in ('', 'probability') else f', {kind}'}"
    return _both(f"{known:.3f} {'<' if known < threshold else '≥'} {threshold:.2f}", margin)


def _both(large: str, small: str) -> str:
    return html_text(large) + (html_tag("small", html_text(small)) if small else "")


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A plain table; cells are HTML."""
    return html_table(names, (html_tag("tr", *(html_tag("td", cell) for cell in row)) for row in rows), caption)
