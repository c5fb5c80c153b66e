"""Queries about what is stored, each with its arguments, its address and its SQL."""
