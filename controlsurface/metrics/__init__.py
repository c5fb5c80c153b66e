"""What is measured: additive measures, one formula a metric, one statement a question."""
