"""The shared stores, as fixtures."""

from tests.stores import reader, store

__all__ = ["reader", "store"]
