"""The HTTP API over a reader: named questions, never SQL from outside."""
