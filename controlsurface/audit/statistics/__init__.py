"""The statistics of audits: agreement, calibration, estimates with intervals, and RouteLLM's figures."""
