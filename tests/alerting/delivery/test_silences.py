"""Silences over HTTP in Alertmanager's shapes, and on the command line.

One that is over stays listed for a while and goes then, as in prometheus/alertmanager, silence/silence_test.go,
TestSilenceGCOverTime ("in multiple rounds").
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
import requests
from click.testing import CliRunner

from controlsurface.alerting.delivery.delivery_rows import silence_row
from controlsurface.alerting.delivery.outbox import load_delivery_state
from controlsurface.alerting.delivery.silence_commands import SilencesQuery
from controlsurface.alerting.delivery.silences import EXPIRED_SILENCE_RETENTION, Silence
from controlsurface.cli import controlsurface
from controlsurface.client.local_client import LocalClient
from controlsurface.config import AuthConfig, Config
from controlsurface.config.label_matchers import parse_matcher
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BODY = {
    "matchers": [{"name": "lane", "value": "large|xl", "isRegex": True, "isEqual": True}],
    "startsAt": datetime.now(UTC).isoformat(),
    "endsAt": (datetime.now(UTC) + timedelta(hours=2)).isoformat(),
    "createdBy": "ann",
    "comment": "deploying",
}


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    yield made
    made.close()


@pytest.fixture(scope="module")
def url(store: DuckStore) -> Iterator[str]:
    with serving(LocalClient(store)) as address:
        yield f"{address}/api/v1/silences"


def test_a_silence_is_put_listed_changed_and_ended(url: str, store: DuckStore) -> None:
    name = requests.post(url, json=BODY, timeout=10).json()["silenceID"]
    (listed,) = requests.get(url, timeout=10).json()
    assert listed["id"] == name
    assert listed["matchers"] == BODY["matchers"]
    assert (listed["status"], listed["createdBy"], listed["comment"]) == ({"state": "active"}, "ann", "deploying")
    assert load_delivery_state(store.state)[1][0].silences({"lane": "xl"}, datetime.now(UTC))
    later = (datetime.now(UTC) + timedelta(hours=9)).isoformat()
    changed = requests.post(url, json=BODY | {"id": name, "startsAt": listed["startsAt"], "endsAt": later}, timeout=10)
    assert changed.json() == {"silenceID": name}
    assert requests.delete(f"{url}/{name}", timeout=10).json()["status"] == {"state": "expired"}
    assert not load_delivery_state(store.state)[1][0].silences({"lane": "xl"}, datetime.now(UTC))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"matchers": []}, "matchers"),
        ({"matchers": [{"name": "lane", "value": "("}]}, ""),
        ({"matchers": [{"name": "lane", "value": "(", "isRegex": True}]}, "regular expression"),
        ({"matchers": [{"name": "la ne", "value": "x"}]}, "label name"),
        ({"endsAt": "-1h"}, "endsAt"),
        ({"endsAt": 7}, "endsAt"),
        ({"comments": "x"}, "did you mean 'comment'"),
    ],
)
def test_an_invalid_silence_is_refused_with_the_reason(url: str, change: dict[str, object], words: str) -> None:
    answer = requests.post(url, json=BODY | change, timeout=10)
    assert answer.status_code == (400 if words else 200)
    assert words in answer.json().get("detail", "")


def test_an_unknown_silence_cannot_be_changed_or_expired(url: str) -> None:
    assert requests.post(url, json=BODY | {"id": "nothing"}, timeout=10).status_code == 404
    assert requests.delete(f"{url}/nothing", timeout=10).status_code == 404


def test_an_expired_silence_is_listed_for_five_days_more() -> None:
    store, now = DuckStore.in_memory(), datetime.now(UTC)
    ends = {
        "active": now + timedelta(hours=3),
        "over": now - EXPIRED_SILENCE_RETENTION + MINUTE,
        "gone": now - EXPIRED_SILENCE_RETENTION - MINUTE,
    }
    made = [Silence(name, (parse_matcher("a=b"),), end - HOUR, end, "", "", end - HOUR) for name, end in ends.items()]
    with store.writing() as writing:
        for row in map(silence_row, made):
            writing.execute(f"INSERT INTO silences ({', '.join(row)}) VALUES ({', '.join(f'${n}' for n in row)})", row)
    listed = LocalClient(store).run(SilencesQuery()).rows.to_pylist()
    assert [each["id"] for each in listed] == ["active", "over"]
    assert [each.id for each in load_delivery_state(store.state, now)[1]] == ["active"]
    store.close()


def test_a_viewer_may_not_silence_and_an_operator_is_the_author() -> None:
    people = ({"name": "eve", "token": "viewer-token"}, {"name": "bob", "token": "operator-token", "role": "operator"})
    auth = AuthConfig.model_validate({"token": "server-token", "tokens": people})
    store = DuckStore.in_memory()
    with serving(LocalClient(store), Config(auth=auth)) as address:
        answers = [
            requests.post(f"{address}/api/v1/silences", json=BODY, headers=_bearer(token), timeout=10)
            for token in ("viewer-token", "operator-token")
        ]
    assert [each.status_code for each in answers] == [403, 200]
    assert load_delivery_state(store.state)[1][0].created_by == "bob"
    store.close()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def run(data: Path, *words: str) -> str:
    result = CliRunner().invoke(controlsurface, ["silence", *words, "--data", str(data)], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.stdout


def test_the_silence_command_adds_lists_and_expires(tmp_path: Path) -> None:
    DuckStore.open(tmp_path).close()
    name = run(tmp_path, "add", "lane=large", 'task_type=~"code|chat"', "--for", "1h", "--comment", "deploy").strip()
    assert 'lane="large" task_type=~"code|chat"' in run(tmp_path, "list")
    run(tmp_path, "expire", name)
    assert name not in run(tmp_path, "list")
    assert orjson.loads(run(tmp_path, "list", "--all", "--json"))[0]["status"]["state"] == "expired"


def test_a_silence_without_author_or_reason_says_so_in_their_place(url: str) -> None:
    """Alertmanager's form asked for both and its API took blanks (prometheus/alertmanager 2998)."""
    bare = {key: value for key, value in BODY.items() if key not in {"createdBy", "comment"}}
    name = requests.post(url, json=bare, timeout=10).json()["silenceID"]
    (found,) = (each for each in requests.get(url, timeout=10).json() if each["id"] == name)
    assert (found["createdBy"], found["comment"]) == ("not signed in", "no reason given")
