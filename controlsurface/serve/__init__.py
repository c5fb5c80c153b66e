"""Run the collector, the dashboard and, on request, the simulated router; keep each alive without the others."""

from controlsurface.serve.options import Options
from controlsurface.serve.supervisor import serve

__all__ = ["Options", "serve"]
