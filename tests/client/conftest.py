"""The shared stores, as fixtures."""

from tests.stores import empty, reader, sampled, store

__all__ = ["empty", "reader", "sampled", "store"]
