"""Pages show the kind of confidence that there is, one at a time, and say which."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controlsurface.client.local_client import LocalClient
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving
from tests.stores import put
from tests.ui.conftest import Open


def rows(kind: str, n: int, confidence: float) -> list[dict[str, Any]]:
    now = datetime.now(UTC).replace(tzinfo=None)
    row = {"confidence_kind": kind, "confidence": confidence, "threshold": 0.5, "task_type": "sql", "escalated": False}
    return [row | {"request_id": f"{kind}-{i}", "started_at": now - timedelta(minutes=5 + i % 50)} for i in range(n)]


@pytest.fixture(params=[("score",), ("entropy", "score")], ids="+".join)
def kinds_and_url(request: pytest.FixtureRequest) -> Iterator[tuple[tuple[str, ...], str]]:
    store = DuckStore.in_memory()
    for place, kind in enumerate(request.param):
        put(store, rows(kind, 90 - 30 * place, 1.4))
    with serving(LocalClient(store)) as url:
        yield request.param, url
    store.close()


def test_confidences_that_are_no_probabilities_are_shown_by_their_kind(
    kinds_and_url: tuple[tuple[str, ...], str], opened: Open
) -> None:
    kinds, url = kinds_and_url
    app = opened(url, "routing.py")
    assert not app.exception
    said = " ".join(str(each.value) for each in (*app.caption, *app.markdown))
    shown = " ".join(each.proto.body for each in app.get("html"))
    assert "No confidence in this window" not in shown + said
    assert f"The confidence is a {kinds[0]}" in said
    offered = [getattr(each, "options", []) for each in app.get("button_group")]
    assert [each for each in offered if "score" in each] == ([["entropy", "score"]] if len(kinds) > 1 else [])


def test_the_tile_of_probabilities_says_that_there_are_none(
    kinds_and_url: tuple[tuple[str, ...], str], opened: Open
) -> None:
    kinds, url = kinds_and_url
    shown = " ".join(each.proto.body for each in opened(url).get("html"))
    assert f"no probability; {', '.join(kinds)}: see Routing" in shown
