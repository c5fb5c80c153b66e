"""Who may do what: a token says whose it is, and a role says what its owner may do."""

from collections.abc import Iterator

import pytest
import requests

from controlsurface.client import LocalClient, RemoteClient
from controlsurface.client.queries.event_list import RecordEvent
from controlsurface.client.queries.metric_queries import CatalogQuery
from controlsurface.config import AuthConfig, Config, TokenConfig, parse_config
from controlsurface.errors import ConfigError, Forbidden
from controlsurface.metrics.queries.event_query import ChangeEvent
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving

PEOPLE = (
    TokenConfig(name="vera", token="vera's token"),
    TokenConfig(name="olga", token="olga's token", role="operator"),
)
EVENT = {"at": "2026-01-05T10:00:00Z", "kind": "deploy", "title": "router 2.4.1"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    store = DuckStore.in_memory()
    with serving(LocalClient(store), Config(auth=AuthConfig(token="everything", tokens=PEOPLE))) as address:
        yield address
    store.close()


def test_a_viewer_reads_and_writes_nothing(url: str) -> None:
    vera = RemoteClient(url, "vera's token")
    assert vera.run(CatalogQuery()).metrics
    with pytest.raises(Forbidden, match="vera is viewer; this takes the role operator"):
        vera.execute(RecordEvent(ChangeEvent.model_validate(EVENT)))


def test_an_event_recorded_by_an_operator_bears_her_name(url: str) -> None:
    head = {"Authorization": "Bearer olga's token"}
    told = requests.post(f"{url}/api/v1/events", json=EVENT | {"source": "somebody else"}, headers=head, timeout=30)
    assert (told.status_code, told.json()["source"]) == (201, "olga")


def test_the_server_s_own_token_may_do_everything(url: str) -> None:
    RemoteClient(url, "everything").execute(RecordEvent(ChangeEvent.model_validate(EVENT)))


def test_an_unknown_token_is_refused(url: str) -> None:
    answer = requests.get(f"{url}/api/v1/metrics", headers={"Authorization": "Bearer vera's tokem"}, timeout=30)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("auth", "problem"),
    [
        ({"tokens": [{"name": "vera", "token": "12345678"}]}, "set it"),
        ({"token": "12345678", "tokens": [{"name": "vera", "token": "12345678"}]}, "its owner's alone"),
        ({"token": "t", "tokens": [{"name": "vera", "token": "12345678", "role": "boss"}]}, "auth.tokens.0.role"),
    ],
)
def test_tokens_that_are_duplicate_or_grant_nothing_are_refused(auth: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        parse_config({"auth": auth}, "controlsurface.toml")
