"""The border of values: how long those of a span may be, and how many a dimension may have on one day."""

from controlsurface.ingest.cardinality.value_lengths import LONGEST_VALUE_SQL, truncate_values
from controlsurface.ingest.cardinality.value_limits import CardinalityLimiter

__all__ = ["LONGEST_VALUE_SQL", "CardinalityLimiter", "truncate_values"]
