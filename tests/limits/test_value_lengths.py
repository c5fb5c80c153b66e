"""Values of spans are cut at the border, say so, and are counted."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlsurface.api.prometheus_metrics import Exposition
from controlsurface.client import LocalClient
from controlsurface.config import ContentConfig
from controlsurface.config.query_limits import LimitsConfig
from controlsurface.ingest.cardinality.value_limits import IDENTIFIER_COLUMNS, LIMITED_COLUMNS
from tests.ingest.loading import Loaded
from tests.ingest.spans import S, body, call, route
from tests.lanes import LANED

MOST = 32
CONFIG = LANED.model_copy(
    update={
        "limits": LimitsConfig(value_length=MOST),
        "content": ContentConfig(store="all"),
    }  # no other bound is in front
)
# What the decoder takes for "nothing", and what a span cannot carry, are no values.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=80).filter(
    lambda text: text not in {"None", "null", "undefined"}
)


def stored(task: str, **more: Any) -> Loaded:
    store = Loaded(CONFIG)
    store.load([("traces", body(route(1, task_type=task, **more), call(2, 1)))])
    return store


def kept(column: str, attribute: str, values: list[str]) -> list[str]:
    """What a column of requests holds of each value of an attribute, sent in one body."""
    store = Loaded(CONFIG)
    spans = []
    for trace, value in enumerate(values, 1):
        request = S(1, 0, {"controlsurface.router.name": "r", attribute: value}, trace=trace)
        spans += [request, call(2, 1, trace=trace)]
    store.load([("traces", body(*spans))])
    rows = store.store.state(f"SELECT {column} AS value FROM requests ORDER BY trace_id").to_pylist()
    return [row["value"] for row in rows]


@given(st.lists(TEXTS, min_size=10, max_size=40))
@settings(max_examples=5, deadline=None)
def test_a_span_value_is_kept_as_it_is_or_cut_to_its_length_with_a_mark(texts: list[str]) -> None:
    assert kept("task_type", "controlsurface.task_type", texts) == [
        text if len(text) <= MOST else text[: MOST - 1] + "…" for text in texts
    ]


@given(st.sets(st.text("ab", min_size=25, max_size=60), min_size=10, max_size=40))
@settings(max_examples=5, deadline=None)
def test_different_identifiers_stay_different(texts: set[str]) -> None:
    found = kept("session_id", "gen_ai.conversation.id", sorted(texts))
    assert len({*found}) == len(texts)
    assert max(map(len, found)) <= MOST


def test_every_text_of_a_span_has_a_bound() -> None:
    spans = stored("x" * 100, **dict.fromkeys(("tenant", "team", "job"), "y" * 100)).store
    widest = spans.state(
        f"SELECT greatest({', '.join(f'max(length({name}))' for name in LIMITED_COLUMNS)}) AS n FROM spans"
    )
    assert widest["n"][0].as_py() == MOST
    assert {*LIMITED_COLUMNS} > IDENTIFIER_COLUMNS


def test_span_values_that_were_cut_are_counted() -> None:
    long = body(route(1, task_type="x" * 100, tenant="y" * 100), call(2, 1))
    assert Loaded(CONFIG).load([("traces", long)]).counts()["cut"] == 2
    assert Loaded(CONFIG).load([("traces", body(route(1, task_type="chat"), call(2, 1)))]).counts()["cut"] == 0


# Prometheus met label values of 400 KB from a service's name (prometheus issue 8198); managed ones refuse those of
# 200 characters (scaphandre issue 416, prometheus-frigate-exporter issue 13).
@pytest.mark.parametrize("size", [100_000, 20_000_000])
def test_a_task_type_of_many_bytes_does_not_reach_the_exposition(size: int) -> None:
    text = Exposition(LocalClient(stored("x" * size).store)).render()
    assert len(text) < 200_000


def test_the_default_length_suits_scrapers_that_refuse_longer_labels() -> None:
    assert LimitsConfig().value_length <= 200


# Tag values of any length, in whatever script, must not be cut within a character (influxdb issue 3471).
def test_a_value_in_another_script_is_cut_between_characters() -> None:
    found = stored("日本語" * 30).one("SELECT task_type FROM requests")["task_type"]
    assert found == ("日本語" * 30)[: MOST - 1] + "…"
