"""Panels that interpret metrics: confidence, comparisons, advice, weekly cost and incidents."""
