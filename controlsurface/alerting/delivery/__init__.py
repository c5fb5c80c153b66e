"""Delivery of notifications: routing, grouping, suppression, the outbox, and the threads that send."""
