"""JSON schemas of the answers, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from controlsurface.money.attribution import ADDED

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
FIGURE: Schema = {"type": ["number", "null"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
SHARE: Schema = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
TIME: Schema = {"type": ["string", "null"], "format": "date-time"}


def record(properties: Mapping[str, Schema], optional: tuple[str, ...] = (), **more: Any) -> Schema:
    """An object whose properties are there, but for the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required, **more}


def many(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


_BROKEN_DOWN = {"additionalProperties": {"type": ["string", "null"]}}  # the dimensions asked for
_REQUEST = record({"request_id": TEXT, "trace_id": TEXT, "span_id": TEXT, "started_at": TIME, "lane": TEXT})
_ATTEMPT = record({"attempt_id": TEXT, "trace_id": TEXT, "span_id": TEXT, "started_at": TIME, "purpose": TEXT})
_EVALUATION = record({"evaluation_id": TEXT, "name": TEXT, "evaluated_at": TIME})

METRICS = many(
    record(dict.fromkeys(("name", "help", "sql", "unit", "better", "group", "kind", "source", "priced"), TEXT))
)
SOURCE: Schema = {"enum": ["raw", "rollup", "both"]}
_FIGURES: dict[str, Schema] = {
    "bucket": TIME,
    "n": COUNT,
    **dict.fromkeys(("value", "low", "high"), FIGURE),
    "priced_share": SHARE,
}
_SOME = ("bucket", "low", "high", "priced_share")
QUERY = record(
    {
        "metric": TEXT,
        "unit": TEXT,
        "rows": many(record(_FIGURES, optional=_SOME, **_BROKEN_DOWN)),
        "source": SOURCE,
        "sql": TEXT,
        "parameters": {"type": "object"},
        "elapsed_ms": NUMBER,
    }
)
FIGURES = record({"metric": TEXT, **_FIGURES}, optional=_SOME, **_BROKEN_DOWN)
BINS = record(
    {
        "column": TEXT,
        "bins": many(
            record(
                {"bucket": TIME, "lower": NUMBER, "upper": NUMBER, "n": NUMBER}, optional=("bucket",), **_BROKEN_DOWN
            )
        ),
    }
)
VALUES = record(
    {"values": many(record({"dimension": TEXT, "value": MAYBE_TEXT, "n": NUMBER, "distinct_values": COUNT}))}
)
_SUM: Schema = {"type": ["number", "null"], "minimum": 0}
ATTRIBUTION = record(
    {
        "week": TEXT,
        "start": TIME,
        "end": TIME,
        "rows": many(
            record(
                {"requests": _SUM} | dict.fromkeys(ADDED, _SUM) | {"priced_share": SHARE, "last_at": TIME},
                optional=(),
                **_BROKEN_DOWN,
            )
        ),
    }
)
CONTRIBUTORS = record(
    {
        "metric": TEXT,
        "unit": TEXT,
        **dict.fromkeys(("before", "after", "delta"), FIGURE),
        **dict.fromkeys(("n_before", "n", "support", "values"), COUNT),
        "rows": many(
            record(
                {
                    "dimension": TEXT,
                    "value": MAYBE_TEXT,
                    **dict.fromkeys(("before", "after"), FIGURE),
                    **dict.fromkeys(("share_before", "share_after"), SHARE),
                    **dict.fromkeys(("n_before", "n"), COUNT),
                    **dict.fromkeys(("delta", "mix", "rate", "z"), NUMBER),
                    "within": MAYBE_TEXT,
                    "same_as": MAYBE_TEXT,
                }
            )
        ),
        "sql": TEXT,
        "parameters": {"type": "object"},
        "elapsed_ms": NUMBER,
        "above": FIGURE,
        "compared": MAYBE_TEXT,
    }
)
EVENT = record({"at": TIME, "kind": TEXT, "title": TEXT, "detail": MAYBE_TEXT, "source": TEXT})
EVENTS = record({"events": many(EVENT), "left_out": COUNT}, optional=("left_out",))
LANES = record({"lanes": many(record({"name": TEXT, "escalation": {"type": "boolean"}, "models": many(TEXT)}))})
ASSUMED = record({"models": many(record({"model": TEXT, "lane": MAYBE_TEXT, "usd_per_mtok": FIGURE}))})
CLAIM = record({"model": TEXT, "lane": TEXT, "source": TEXT})
PAGE = record({"rows": many(_REQUEST), "next": MAYBE_TEXT})
DETAIL = record({"request": _REQUEST, "attempts": many(_ATTEMPT), "evaluations": many(_EVALUATION)})
TRACE = record({"resourceSpans": many({"type": "object"})})
INGEST = record(
    dict.fromkeys(("received", "accepted", "rejected", "duplicate", "late", "unrecognised", "pending"), COUNT)
    | {"lag_ms": NUMBER, "last_accepted_at": TIME, "counters": {"type": "object"}}
)
ATTRIBUTES = record({"attributes": many(record({"key": TEXT, "n": COUNT, "first_seen": TIME, "last_seen": TIME}))})
SOURCES = record(
    {
        "sources": many(
            record(
                {
                    "service": MAYBE_TEXT,
                    "spans": COUNT,
                    "first_seen": TIME,
                    "last_seen": TIME,
                    "least_delay_ms": {"type": ["number", "null"]},
                }
            )
        )
    }
)
PROBLEM = record(
    {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT, "error": TEXT}, optional=("error",)
)
READY = record({"ready": {"type": "boolean"}, "reasons": many(TEXT), "warnings": many(TEXT)}, optional=("warnings",))
