"""The shared stores, and real servers over them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from controlsurface.client import LocalClient
from tests.serving import serving
from tests.stores import empty, reader, sampled, store

__all__ = ["empty", "reader", "sampled", "store"]

Get = Callable[..., requests.Response]


@pytest.fixture(scope="session")
def url(reader: LocalClient) -> Iterator[str]:
    with serving(reader) as address:
        yield address


@pytest.fixture(scope="session")
def get(url: str) -> Iterator[Get]:
    """GET an address of the server, in one kept connection."""
    with requests.Session() as session:

        def ask(path: str, **more: Any) -> requests.Response:
            return session.get(url + path, timeout=60, **more)

        yield ask
