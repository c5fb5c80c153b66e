"""Simulated traffic whose truth is known, by what is estimated from it."""
