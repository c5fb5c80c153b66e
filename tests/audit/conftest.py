"""The stores that tests of audits share."""

from tests.stores import empty, reader, sampled, store

__all__ = ["empty", "reader", "sampled", "store"]
