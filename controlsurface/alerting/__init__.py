"""Rules that watch the metrics: measured, judged, told to whoever must know."""
