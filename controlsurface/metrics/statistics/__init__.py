"""Intervals, chances and sizes of differences, of many figures at once."""
