"""OTLP files and tables of requests as bodies, with bounds on what a file may open into."""
