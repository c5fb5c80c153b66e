"""The drift detector: streams of counts, their baselines, the state of each stream, and drift rules over a store."""
