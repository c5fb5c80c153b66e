"""The cost attribution as a FOCUS dataset: FinOps Open Cost and Usage Specification, 1.2 and 1.4."""
