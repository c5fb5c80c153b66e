"""Queries of what things cost: own hardware, runs, sessions, tasks, context and switches of models."""
