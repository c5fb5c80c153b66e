"""Stored spans as OTLP/JSON, losslessly."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, TracesData

SPAN_COLUMNS = ("around", "span")

_IDS = ("traceId", "spanId", "parentSpanId")


def traces_data(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows with SPAN_COLUMNS as one OTLP/JSON TracesData object, spans grouped by resource and scope."""
    return _with_hex_ids(MessageToDict(spans_message(rows), use_integers_for_enums=True))


def spans_message(rows: Iterable[Mapping[str, Any]]) -> TracesData:
    """Rows with SPAN_COLUMNS as one protobuf message."""
    groups: dict[bytes, ResourceSpans] = {}
    for row in rows:
        around = groups.setdefault(row["around"], ResourceSpans.FromString(row["around"]))
        around.scope_spans[0].spans.add().ParseFromString(row["span"])
    return TracesData(resource_spans=groups.values())


def _with_hex_ids(data: dict[str, Any]) -> dict[str, Any]:
    """OTLP/JSON writes ids in hex, where protobuf's own JSON writes base64."""
    for resource_spans in data.get("resourceSpans", []):
        for scope_spans in resource_spans.get("scopeSpans", []):
            for span in scope_spans.get("spans", []):
                for holder in (span, *span.get("links", [])):
                    holder.update({key: _hex(holder[key]) for key in _IDS if key in holder})
    return data


def _hex(text: str) -> str:
    return base64.b64decode(text).hex()
