"""The border of values: how long those of a span may be, and how many a dimension may have on one day."""
