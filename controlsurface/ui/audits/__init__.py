"""Audits of lanes: disagreement, label review, threshold simulator and policy."""
