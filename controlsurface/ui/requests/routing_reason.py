"""Why a request went where it went, in sentences; every word rests on a column of its row."""

from collections.abc import Mapping, Sequence
from typing import Any

from controlsurface.formatting import format_confidence, format_value

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
