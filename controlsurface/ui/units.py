"""Figures on pages are written as in reports."""

from controlsurface.metrics.units import (
    UNKNOWN,
    between,
    change,
    clock,
    count,
    difference,
    duration,
    money,
    ratio,
    shown,
    signed,
    step,
)

__all__ = [
    "UNKNOWN",
    "between",
    "change",
    "clock",
    "count",
    "difference",
    "duration",
    "money",
    "ratio",
    "shown",
    "signed",
    "step",
]
