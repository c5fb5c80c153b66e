"""One request: found by any id, explained in a sentence, kept in the address, downloaded as it came."""

import pytest

from controlsurface.store.duckdb import DuckStore
from tests.ui.conftest import Open
from tests.ui.test_pages import html

ONE = "SELECT request_id, trace_hex(trace_id) AS trace_id, started_at FROM requests"


def one(store: DuckStore, where: str) -> dict[str, str]:
    """A request of the store, as strings."""
    row = store.state(f"{ONE} WHERE {where} AND request_id LIKE 'req-%' ORDER BY started_at DESC LIMIT 1").to_pylist()[
        0
    ]
    return {name: str(value) for name, value in row.items()}


def test_a_link_to_a_request_shows_why_it_went_where_it_went(opened: Open, seeded: DuckStore, seeded_url: str) -> None:
    row = one(seeded, "escalation_kind = 'routed' AND confidence < threshold AND NOT failed")
    app = opened(seeded_url, "traces.py", request=row["request_id"], at=row["started_at"] + "Z")
    assert "was under the threshold" in html(app)
    assert row["trace_id"] in html(app)
    assert "cs-fall" in html(app)


def test_a_link_without_its_time_still_finds_the_request(opened: Open, seeded: DuckStore, seeded_url: str) -> None:
    row = one(seeded, "TRUE")
    assert "cs-why" in html(opened(seeded_url, "traces.py", request=row["request_id"], at="yesterday"))


@pytest.mark.parametrize("kind", ["request_id", "trace_id"])
def test_an_id_of_any_kind_finds_its_request(opened: Open, seeded: DuckStore, seeded_url: str, kind: str) -> None:
    row = one(seeded, "trace_id IN (SELECT trace_id FROM requests GROUP BY trace_id HAVING count(*) = 1)")
    app = opened(seeded_url, "traces.py", find=row[kind])
    assert app.text_input(key="find").value == row[kind]
    assert app.dataframe[0].value["request_id"].to_list() == [row["request_id"]]
    assert "cs-why" in html(app)


def test_an_unknown_id_says_so(opened: Open, seeded_url: str) -> None:
    assert "Nothing has the id f00f" in html(opened(seeded_url, "traces.py", find="f00f"))


def test_an_unknown_request_in_a_link_says_so(opened: Open, seeded_url: str) -> None:
    assert "no request &#x27;gone&#x27;" in html(opened(seeded_url, "traces.py", request="gone"))


def test_a_trace_without_a_request_is_drawn(opened: Open, seeded: DuckStore, seeded_url: str) -> None:
    with seeded.writing() as writing:
        writing.execute(
            "INSERT INTO spans SELECT * REPLACE (CAST(repeat('f', 32) AS UUID) AS trace_id) FROM spans LIMIT 3"
        )
    app = opened(seeded_url, "traces.py", find="f" * 32)
    assert not app.exception
    assert "cs-fall" in html(app)


def test_the_order_of_the_request_list_is_in_the_address(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "traces.py", order="Slowest")
    took = app.dataframe[0].value["duration_ms"].dropna().to_list()
    assert took == sorted(took, reverse=True)


def test_range_filters_are_in_the_address(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "traces.py", range="7d", confidence_min="0.4", confidence_max="0.5")
    assert app.dataframe[0].value["confidence"].between(0.4, 0.5).all()


def test_a_long_request_list_shows_more_on_demand(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "traces.py", range="7d")
    assert len(app.dataframe[0].value) == 100
    app.button(key="more").click().run()
    assert len(app.dataframe[0].value) == 200
