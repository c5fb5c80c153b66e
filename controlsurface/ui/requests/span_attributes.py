"""The attributes of one span as text to read and to copy; of all of them, whatever their number and length."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import streamlit as st

from controlsurface.formatting import format_value
from controlsurface.ui.elements.html_tags import escape_markdown
from controlsurface.ui.requests.waterfall import SpanBar, arrange_spans, spans_of_trace

MAX_TEXT_CHARS = 100_000  # characters shown of one span; the download has all of them


def span_attributes(trace: Mapping[str, Any]) -> None:
    """Draw the choice of a span and its attributes, with a button that copies them."""
    spans = spans_of_trace(trace)
    by_id = {str(span["spanId"]): span for span in spans}
    bars = {bar.span_id: bar for bar in arrange_spans(spans)}
    if not bars:
        return
    chosen = st.selectbox(
        "Attributes of span", [*bars], format_func=lambda each: escape_markdown(_label(bars[each])), key="span"
    )
    text = span_value_text(by_id.get(str(chosen)) or next(iter(by_id.values())))
    st.code(text[:MAX_TEXT_CHARS] or "no attributes", language=None, wrap_lines=True)


def _label(bar: SpanBar) -> str:
    return f"{bar.name}, {format_value((bar.end - bar.start) / 1e6, 'ms')}{', failed' if bar.failed else ''}"


def span_value_text(span: Mapping[str, Any]) -> str:
    """What a span (OTLP/JSON) says, a line `key = value` each, sorted; then its status and events."""
    lines = [f"{key} = {value}" for key, value in sorted(_pairs(span.get("attributes", [])))]
    status = span.get("status") or {}
    if status.get("message"):
        lines.append(f"status = {status['message']}")
    for event in span.get("events", []):
        lines.append(f"event {event.get('name', '')}")
        lines += [f"  {key} = {value}" for key, value in sorted(_pairs(event.get("attributes", [])))]
    return "\n".join(lines)


def _pairs(attributes: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(str(each.get("key", "")), _plain_text(each.get("value") or {})) for each in attributes]


def _plain_text(value: Mapping[str, Any]) -> str:
    """An OTLP value as text; lists and maps as JSON."""
    found = _plain(value)
    return found if isinstance(found, str) else orjson.dumps(found).decode()


def _plain(value: Mapping[str, Any]) -> Any:
    """An OTLP value as JSON has it: whole numbers, which OTLP writes as text, as numbers."""
    if "arrayValue" in value:
        return [_plain(each) for each in (value["arrayValue"] or {}).get("values", [])]
    if "kvlistValue" in value:
        pairs = (value["kvlistValue"] or {}).get("values", [])
        return {str(each.get("key", "")): _plain(each.get("value") or {}) for each in pairs}
    if "intValue" in value:
        return int(value["intValue"])
    return next(iter(value.values()), None)
