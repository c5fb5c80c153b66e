"""Queries to the collector, and their rows as pages need them."""
