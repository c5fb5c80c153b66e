"""A trace as bars: every span under its parent, where it began and how long it took."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from controlsurface.charts import Palette
from controlsurface.formatting import format_value
from controlsurface.ui.elements.html_tags import html_tag, html_text, palette

MAX_BARS = 400  # bars a browser draws without a pause; the download has all spans
INDENT_REM = 0.75  # rem a level
MAX_INDENT_LEVELS = 12  # levels that are indented
STATUS_CODE_ERROR = 2  # OTLP's status code for an error


@dataclass(frozen=True, slots=True)
class SpanBar:
    """One span: times in nanoseconds since the epoch, `level` 0 for a root."""

    span_id: str
    name: str
    level: int
    start: int
    end: int
    failed: bool
    said: str


def waterfall(trace: Mapping[str, Any], roots: Mapping[str, str]) -> int:
    """Draw a trace (OTLP/JSON); `roots` maps span ids to lanes, for their colours. The number of its spans."""
    bars = list(arrange_spans(spans_of_trace(trace)))
    st.html(waterfall_html(bars[:MAX_BARS], roots, palette()))
    if len(bars) > MAX_BARS:
        st.caption(f"The first {MAX_BARS:,} of {len(bars):,} spans; the download has all of them.")
    return len(bars)


def spans_of_trace(trace: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All spans of an OTLP/JSON body, without resource and scope."""
    scopes = (scope for resource in trace.get("resourceSpans", []) for scope in resource.get("scopeSpans", []))
    return [span for scope in scopes for span in scope.get("spans", [])]


def arrange_spans(found: Sequence[Mapping[str, Any]]) -> Iterator[SpanBar]:
    """Spans in order of time, children after their parent; a span whose parent is not here, or is itself, is a root."""
    known = {span["spanId"] for span in found}
    children: dict[str, list[Mapping[str, Any]]] = {}
    for span in sorted(found, key=lambda span: int(span.get("startTimeUnixNano", 0))):
        parent = span.get("parentSpanId", "")
        children.setdefault(parent if parent in known else "", []).append(span)
    seen: set[str] = set()
    for root in [*children.get("", []), *found]:  # `found` again: spans that are their own ancestors have no root
        yield from _subtree(root, children, seen)


def _subtree(
    root: Mapping[str, Any], children: Mapping[str, list[Mapping[str, Any]]], seen: set[str]
) -> Iterator[SpanBar]:
    """A span and all under it, each once; without recursion, for a trace may be thousands deep."""
    stack = [(root, 0)]
    while stack:
        span, level = stack.pop()
        if span["spanId"] in seen:
            continue
        seen.add(span["spanId"])
        yield _bar(span, level)
        stack.extend((child, level + 1) for child in reversed(children.get(span["spanId"], [])))


def _bar(span: Mapping[str, Any], level: int) -> SpanBar:
    start = int(span.get("startTimeUnixNano", 0))
    end = max(start, int(span.get("endTimeUnixNano", start)))
    failed = span.get("status", {}).get("code") == STATUS_CODE_ERROR
    return SpanBar(
        span["spanId"],
        str(span.get("name", "")),
        level,
        start,
        end,
        failed,
        attribute_lines(span.get("attributes", [])),
    )


def attribute_lines(attributes: Iterable[Mapping[str, Any]]) -> str:
    """Attributes as lines `key = value`, for a tooltip."""
    pairs = ((each.get("key", ""), next(iter((each.get("value") or {"": ""}).values()), "")) for each in attributes)
    return "\n".join(f"{key} = {str(value)[:120]}" for key, value in list(pairs)[:40])


def waterfall_html(bars: Sequence[SpanBar], lanes: Mapping[str, str], colours: Palette) -> str:
    """Bars as a grid of name, bar and duration."""
    if not bars:
        return ""
    start, end = min(bar.start for bar in bars), max(bar.end for bar in bars)
    scale = 100 / ((end - start) or 1)
    cells = "".join(_cells(bar, start, scale, _colour(bar, lanes, colours)) for bar in bars)
    return html_tag("div", cells, class_="cs-fall", role="table", aria_label="spans of the trace over time")


def _colour(bar: SpanBar, lanes: Mapping[str, str], colours: Palette) -> str:
    if bar.failed:
        return colours.bad
    if bar.span_id in lanes:
        return colours.lane(lanes[bar.span_id])
    return colours.accent if bar.level == 0 else colours.rest


def _cells(bar: SpanBar, start: int, scale: float, colour: str) -> str:
    left, width = (bar.start - start) * scale, (bar.end - bar.start) * scale
    indent = f"padding-left:{min(bar.level, MAX_INDENT_LEVELS) * INDENT_REM}rem"
    place = f"left:min({left:.3f}%, calc(100% - 3px));width:{width:.3f}%;background:{colour}"
    took = format_value((bar.end - bar.start) / 1e6, "ms")
    return html_tag(
        "div",
        html_tag(
            "div",
            html_text(bar.name),
            class_="name failed" if bar.failed else "name",
            style=indent,
            title=bar.said,
            role="cell",
        ),
        html_tag("div", html_tag("div", class_="bar", style=place), class_="lane", role="cell"),
        html_tag("div", html_text(took), class_="took", role="cell"),
        class_="span",
        role="row",
    )
