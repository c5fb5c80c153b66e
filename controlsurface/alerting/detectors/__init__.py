"""Detectors judge whole kinds of rules that take more than the measurements of one window."""
