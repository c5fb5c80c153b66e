"""Run the collector, the dashboard and, on request, the simulated router; keep each alive without the others."""

from controlsurface.serve.serve_options import ServeOptions
from controlsurface.serve.supervisor import serve

__all__ = ["ServeOptions", "serve"]
