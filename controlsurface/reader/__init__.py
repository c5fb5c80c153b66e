"""Answers about what is stored, in the process that owns the store or over HTTP from the server that does."""

from controlsurface.reader.local import LocalReader
from controlsurface.reader.reader import Reader

__all__ = ["LocalReader", "Reader"]
