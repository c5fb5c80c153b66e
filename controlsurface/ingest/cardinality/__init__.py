"""The border of values: how long those of a span may be, and how many a dimension may have on one day."""

from controlsurface.ingest.cardinality.value_limits import LONGEST_VALUE_SQL, CardinalityLimiter, truncate_values

__all__ = ["LONGEST_VALUE_SQL", "CardinalityLimiter", "truncate_values"]
