"""The evaluation of rules: measurements become readings, readings move alerts on, and alerts are stored."""
