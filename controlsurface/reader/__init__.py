"""Answers about what is stored, in the process that owns the store or over HTTP from the server that does."""

from controlsurface.reader.local import LocalReader
from controlsurface.reader.owner import open_reader
from controlsurface.reader.reader import Reader
from controlsurface.reader.remote import RemoteReader

__all__ = ["LocalReader", "Reader", "RemoteReader", "open_reader"]
