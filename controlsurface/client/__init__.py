"""Answers about what is stored, in the process that owns the store or over HTTP from the server that does."""

from controlsurface.client.local_client import LocalClient
from controlsurface.client.query_protocol import Client
from controlsurface.client.remote_client import RemoteClient, connect_client
