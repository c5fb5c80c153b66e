"""Run the collector, the dashboard and, on request, the simulated router; keep each alive without the others."""
