"""What one body may hold, counted before it is decoded: an empty message of two bytes takes a hundred in memory."""

from controlsurface.ingest.limits.body_limits import DEFAULT_BODY_LIMITS, BodyBudget, BodyLimits
from controlsurface.ingest.limits.json_scan import scan_json
from controlsurface.ingest.limits.protobuf_scan import scan_protobuf

__all__ = ["DEFAULT_BODY_LIMITS", "BodyBudget", "BodyLimits", "scan_json", "scan_protobuf"]
