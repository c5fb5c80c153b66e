"""The HTTP API over a reader: named questions, never SQL from outside."""

from controlsurface.api.app import create_app
