"""The bar above pages: it moves the time range, adds filters, keeps addresses under names, and sets the tab's title."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from controlsurface.client.local_client import LocalClient
from controlsurface.client.queries.saved_views import DeleteViewCommand, SavedView, SavedViewsQuery, SaveViewCommand
from controlsurface.errors import BadRequest, NotFound
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.navigation.filter_bar import relative_time
from tests.ui.conftest import Open

NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)


@pytest.fixture
def client() -> Iterator[LocalClient]:
    store = DuckStore.in_memory()
    yield LocalClient(store)
    store.close()


def test_earlier_moves_the_range_by_half_its_length_and_longer_doubles_it(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "routing.py", range="24h")
    first = app.session_state["_view"]
    app.button(key="cs_back").click().run()
    moved = app.session_state["_view"]
    assert abs((first.end - moved.end) - timedelta(hours=12)) <= timedelta(minutes=15)
    assert app.session_state["range"] == "custom"
    app.button(key="cs_out").click().run()
    longer = app.session_state["_view"]
    assert 1.9 < (longer.end - longer.start) / (moved.end - moved.start) < 2.1


def test_a_dimension_that_is_added_becomes_a_field_and_filters(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "routing.py", range="7d")
    app.selectbox(key="cs_add_filter").select("escalation_kind").run()
    assert "Escalation kind" in [each.label for each in app.multiselect]
    app.multiselect(key="escalation_kind").set_value(["cascaded"]).run()
    assert app.session_state["_view"].where == ("escalation_kind:cascaded",)


def test_a_link_with_live_of_old_still_draws_anew(opened: Open, seeded_url: str) -> None:
    assert opened(seeded_url, "routing.py", live="true").selectbox(key="refresh").value == "10 s"


def test_a_saved_view_is_kept_replaced_and_deleted(client: LocalClient) -> None:
    client.execute(SaveViewCommand(SavedView(name="mine", address="routing?lane=large", saved_by="ada")))
    client.execute(SaveViewCommand(SavedView(name="mine", address="cost?range=7d", saved_by="ben")))
    (row,) = client.run(SavedViewsQuery()).rows.to_pylist()
    assert (row["address"], row["saved_by"]) == ("cost?range=7d", "ben")
    client.execute(DeleteViewCommand("mine"))
    assert client.run(SavedViewsQuery()).rows.num_rows == 0
    with pytest.raises(NotFound, match="no saved view 'mine'"):
        client.execute(DeleteViewCommand("mine"))


# A name that leads to another host is a phishing link in the product's own menu (open redirects of saved links).
@pytest.mark.parametrize(
    "address", ["//evil.example/x", "https://evil.example", "javascript:alert(1)", "/routing", "a b", "routing#x"]
)
def test_a_saved_view_leads_nowhere_but_to_a_page_of_the_dashboard(address: str) -> None:
    with pytest.raises(BadRequest, match="address"):
        SavedView(name="x", address=address)


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=42), "42 s ago"),
        (timedelta(minutes=61), "1 h ago"),
        (timedelta(hours=26), "26 h ago"),
        (timedelta(days=3, hours=2), "3 d ago"),
    ],
)
def test_a_time_is_said_as_how_long_ago_it_was(passed: timedelta, words: str) -> None:
    assert relative_time(NOW - passed, NOW) == words
