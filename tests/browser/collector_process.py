"""A collector's API as a process of its own, over seeded traffic: one that tests can stop, hang and start again."""

import sys
from datetime import UTC, datetime

import uvicorn

from controlsurface.api.app import create_app
from controlsurface.client.local_client import LocalClient
from controlsurface.config import Config
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed

if __name__ == "__main__":
    store = DuckStore.in_memory()
    seed(store, n=1500, days=2, end=datetime.now(UTC))
    uvicorn.run(create_app(LocalClient(store), Config()), port=int(sys.argv[1]), log_level="critical", lifespan="off")
