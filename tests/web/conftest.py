"""A collector as `serve` starts it, with tokens for everybody, and a store that is slow where a test says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch import Server, collector

ADMIN, INGEST, READ = "the admin's own token", "the senders' own token", "the readers' own token"
CONFIG = f"""
[server]
hosts = ["cs.example.com", "*.svc.cluster.local"]
origins = ["https://portal.example.com"]
max_connections = 32
head_timeout = "2s"

[auth]
token = "{ADMIN}"
ingest_token = "{INGEST}"
read_token = "{READ}"
max_failures = 5
"""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A collector that asks for tokens."""
    folder = tmp_path_factory.mktemp("strict")
    (folder / "c.toml").write_text(CONFIG)
    with collector(folder, "--config", str(folder / "c.toml")) as server:
        yield server


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A collector as it is without any configuration."""
    with collector(Path(tmp_path_factory.mktemp("plain"))) as server:
        yield server
