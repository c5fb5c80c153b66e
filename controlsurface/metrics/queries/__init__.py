"""Queries about metrics, each as its arguments and the one SQL statement that answers it."""
