"""One request on a card: why it went where it went, the facts of the decision, and every call with its cost."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import streamlit as st

from controlsurface.client.arrow_tables import as_dicts, as_polars
from controlsurface.client.queries.request_detail import RequestDetail
from controlsurface.formatting import format_confidence, format_value
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import html_table, html_tag, html_text, palette
from controlsurface.ui.requests.confidence_bar import confidence_bar
from controlsurface.ui.requests.span_attributes import span_attributes
from controlsurface.ui.requests.trace_link import trace_link_button
from controlsurface.ui.requests.waterfall import waterfall

Row = Mapping[str, Any]


def explain_routing(request: Row, attempts: Sequence[Row]) -> str:
    """One to three sentences: what the router knew, what it chose, what became of it.

    >>> row = {"confidence": 0.53, "threshold": 0.7, "selected_lane": "large", "lane": "large", "escalated": True,
    ...        "escalation_kind": "routed", "answered_by": "gpt-5", "duration_ms": 1450.0}
    >>> explain_routing(row, [])
    'Confidence 0.53 was under the threshold 0.70, so the request went to the large lane. gpt-5 answered in 1.45 s.'
    """
    return " ".join(sentence for sentence in (_decision(request), *_course(attempts), _end(request)) if sentence)


def _decision(row: Row) -> str:
    """What the router knew, and what it chose."""
    chosen = _choice_text(row)
    if row.get("cache"):
        called = "after calls that failed" if row.get("attempts") else "so no model was called for it"
        return f"The answer came from the {row['cache']} cache, {called}."
    return f"{_cache_sentence(row)}{_confidence_sentence(row, chosen)}".strip()


def _cache_sentence(row: Row) -> str:
    """What caches had, although a call answered."""
    layers = str(row.get("cache_layers") or "").replace(",", " and ")
    return f"The {layers} cache had something for it, and a model was called all the same. " if layers else ""


def _confidence_sentence(row: Row, chosen: str) -> str:
    """How sure the router was, and what that led to."""
    known, threshold, reason = row.get("confidence"), row.get("threshold"), row.get("reason")
    said = f" The router's reason: {reason}." if reason else ""
    if known is None or threshold is None:
        return f"{_confidence_text(known)}; the request went to {chosen}.{said}" if chosen else said.strip()
    unsure = known > threshold if row.get("confidence_kind") == "entropy" else known < threshold
    held = f"{_against(row, unsure=unsure)} the threshold {format_confidence(threshold)}"
    fact = f"{_confidence_name(row)} {format_confidence(known)} {held}"
    expected = unsure == _escalates(row)
    joint = "so" if expected else "and yet"
    return f"{fact}, {joint} the request went to {chosen or 'no lane'}.{'' if expected else said}"


def _confidence_name(row: Row) -> str:
    """What the confidence is called: a kind whose scale is another is named."""
    return "Entropy" if row.get("confidence_kind") == "entropy" else "Confidence"


def _against(row: Row, *, unsure: bool) -> str:
    """How it compares with its threshold; low entropy is sure."""
    if row.get("confidence_kind") == "entropy":
        return "was over" if unsure else "stayed within"
    return "was under" if unsure else "reached"


def _choice_text(row: Row) -> str:
    lane, model = row.get("selected_lane"), row.get("selected_model")
    return f"the {lane} lane" if lane and lane != "unknown" else str(model or "")


def _confidence_text(known: float | None) -> str:
    if known is None:
        return "The router gave no confidence"
    return f"Confidence was {format_confidence(known)}, with no threshold to hold it against"


def _escalates(row: Row) -> bool:
    """Whether the choice itself was an escalation, whatever came after."""
    return bool(row.get("escalated")) and row.get("escalation_kind") == "routed"


def _course(attempts: Sequence[Row]) -> list[str]:
    """What went wrong on the way: failed calls, and answers that were not good enough."""
    own = [each for each in attempts if each.get("purpose") == "user"]
    return [sentence for each in own[:-1] or own if (sentence := _failure_sentence(each))][:3]


def _failure_sentence(attempt: Row) -> str:
    model = attempt.get("model") or "A model"
    if attempt.get("failed"):
        return f"{model} failed ({attempt.get('error_type') or 'no reason given'})."
    return f"{model}'s answer did not pass its check." if attempt.get("gate") == "fail" else ""


def _end(row: Row) -> str:
    """Who answered, and after how long."""
    if row.get("failed"):
        return f"Nothing answered it: {row.get('error_type') or 'no reason given'}."
    if row.get("cache"):
        return ""
    kind, took = row.get("escalation_kind"), format_value(row.get("duration_ms"), "ms")
    instead = {"cascaded": " in its place", "fallback": " in its place"}.get(str(kind), "")
    return f"{row.get('answered_by') or 'A model without a name'} answered{instead} in {took}."


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
    trace_bars(trace, request["trace_id"], lanes, request["started_at"])


def trace_bars(trace: Mapping[str, Any], trace_id: str, lanes: Mapping[str, str], at: datetime | None = None) -> None:
    """A trace (OTLP/JSON) as bars, with its attributes and the buttons that download it and open it elsewhere."""
    waterfall(trace, lanes)
    span_attributes(trace)
    name = f"{trace_id}.otlp.json"
    icon = ":material/download:"
    with st.container(horizontal=True):
        st.download_button("OTLP/JSON", orjson.dumps(trace), name, "application/json", icon=icon, on_click="ignore")
        trace_link_button(trace_id, at)


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
        **({"escalated because": html_text(_escalation(row))} if row.get("escalation_kind") else {}),
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


def _escalation(row: Row) -> str:
    """The kind of escalation, and its reason."""
    return f"{row['escalation_kind']}: {row.get('escalation_reason') or 'no reason given'}"


def _lane(name: str) -> str:
    return html_tag("span", html_tag("i", class_="cs-dot", style=f"background:{palette().lane(name)}"), html_text(name))


def _certainty(row: Row) -> str:
    known, threshold = row["confidence"], row["threshold"]
    if known is None:
        return _both("–", f"threshold {threshold:.2f}" if threshold is not None else "")
    bar = confidence_bar(known, threshold, palette())
    if threshold is None:
        return html_text(f"{known:.3f}") + bar
    kind = str(row.get("confidence_kind") or "")
    margin = f"margin {known - threshold:+.3f}{'' if kind in ('', 'probability') else f', {kind}'}"
    return _both(f"{known:.3f} {'<' if known < threshold else '≥'} {threshold:.2f}", margin) + bar


def _both(large: str, small: str) -> str:
    return html_text(large) + (html_tag("small", html_text(small)) if small else "")


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A plain table; cells are HTML."""
    return html_table(names, (html_tag("tr", *(html_tag("td", cell) for cell in row)) for row in rows), caption)
