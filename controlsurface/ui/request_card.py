"""One request on a card: why it went where it went, the facts of the decision, every call with its cost."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import streamlit as st

from controlsurface.formatting import format_value
from controlsurface.reader.detail import RequestDetail
from controlsurface.reader.rows import frame, records
from controlsurface.ui import reading
from controlsurface.ui.markup import palette, table, tag, text
from controlsurface.ui.waterfall import waterfall
from controlsurface.ui.why import why

Row = Mapping[str, Any]


def card(detail: RequestDetail) -> None:
    """The sentence, the facts, the attempts and what was evaluated."""
    attempts, evaluations = records(detail.attempts), records(detail.evaluations)
    st.html(drawn(detail.request, attempts, evaluations))


def drawn(request: Row, attempts: Sequence[Row], evaluations: Sequence[Row]) -> str:
    """The card as HTML; a table without rows is left out."""
    parts = [tag("p", text(why(request, attempts)), class_="cs-why"), _facts(request)]
    if attempts:
        parts.append(_table(ATTEMPTS, [_attempt(each) for each in attempts], "model calls of this request"))
    if evaluations:
        parts.append(_table(EVALUATIONS, [_evaluation(each) for each in evaluations], "evaluations of this request"))
    return "".join(parts)


def spans(detail: RequestDetail) -> None:
    """The whole trace of a request as bars, and as a file."""
    request = detail.request
    trace = reading.trace(request["trace_id"], request["started_at"])
    if trace is None:
        st.caption("The spans of this trace are no longer kept; what is above outlives them.")
        return
    attempts = frame(detail.attempts)
    lanes = dict(attempts.select("span_id", "lane").iter_rows()) | {request["span_id"]: request["lane"]}
    bars(trace, request["trace_id"], lanes)


def bars(trace: Mapping[str, Any], trace_id: str, lanes: Mapping[str, str]) -> None:
    """A trace (OTLP/JSON) as bars, with the button that downloads it."""
    waterfall(trace, lanes)
    name = f"{trace_id}.otlp.json"
    icon = ":material/download:"
    st.download_button("OTLP/JSON", orjson.dumps(trace), name, "application/json", icon=icon, on_click="ignore")


EVALUATIONS = ("evaluation", "score", "label", "explanation")
ATTEMPTS = (
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
        text(row["purpose"]),
        _lane(row["lane"]),
        text(row["model"]),
        tag("span", text(f"{outcome}{gate}"), class_="bad" if row["failed"] or row["gate"] == "fail" else ""),
        text(format_value(row["duration_ms"], "ms")),
        text(format_value(row["ttft_ms"], "ms")),
        text(format_value(row["input_tokens"], "count")),
        text(format_value(row["output_tokens"], "count")),
        text(format_value(row["cost_usd"], "usd")),
        text(_priced_by(row)),
    )


def _priced_by(row: Row) -> str:
    """Whose price it was, and what that leaves out."""
    source = str(row["cost_source"] or "unpriced")
    return f"{source}, without {row['unpriced_parts'].replace(',', ' and ')}" if row["unpriced_parts"] else source


def _evaluation(row: Row) -> tuple[str, ...]:
    return text(row["name"]), text(row["score"]), text(row["label"]), text(row["explanation"])


def _facts(row: Row) -> str:
    """The decision in figures."""
    pairs = {
        "lane": _lane(row["lane"]),
        "confidence / threshold": _certainty(row),
        "task / tenant": text(f"{row['task_type'] or '–'} / {row['tenant'] or '–'}"),
        "router": text(" ".join(filter(None, (row["router"], row["router_version"]))) or None),
        "latency": _both(format_value(row["duration_ms"], "ms"), f"first token {format_value(row['ttft_ms'], 'ms')}"),
        "tokens in / out": text(
            f"{format_value(row['input_tokens'], 'count')} / {format_value(row['output_tokens'], 'count')}"
        ),
        "cost": _both(format_value(row["cost_usd"], "usd"), row["cost_source"] or "unpriced"),
        "trace": tag("code", text(row["trace_id"])),
    }
    return tag(
        "dl", *(tag("div", tag("dt", text(name)), tag("dd", value)) for name, value in pairs.items()), class_="cs-facts"
    )


def _lane(name: str) -> str:
    return tag("span", tag("i", class_="cs-dot", style=f"background:{palette().lane(name)}"), text(name))


def _certainty(row: Row) -> str:
    known, threshold = row["confidence"], row["threshold"]
    if known is None:
        return _both("–", f"threshold {threshold:.2f}" if threshold is not None else "")
    if threshold is None:
        return text(f"{known:.3f}")
    kind = str(row.get("confidence_kind") or "")
    margin = f"margin {known - threshold:+.3f}{'' if kind in ('', 'probability') else f', {kind}'}"
    return _both(f"{known:.3f} {'<' if known < threshold else '≥'} {threshold:.2f}", margin)


def _both(large: str, small: str) -> str:
    return text(large) + (tag("small", text(small)) if small else "")


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A plain table; cells are HTML."""
    return table(names, (tag("tr", *(tag("td", cell) for cell in row)) for row in rows), caption)
