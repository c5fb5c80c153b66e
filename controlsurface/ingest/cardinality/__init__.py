"""The border of values: how long those of a span may be, and how many a dimension may have on one day."""

from controlsurface.ingest.cardinality.lengths import LONGEST, cut
from controlsurface.ingest.cardinality.seats import Limiter

__all__ = ["LONGEST", "Limiter", "cut"]
