"""The review desk under Streamlit's test runner: a key keeps a label and shows the next pair."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from controlsurface.audit.answer_review import label_exchange, review_labels
from controlsurface.client import LocalClient
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving
from tests.ui.conftest import Open


@pytest.fixture(scope="module")
def local() -> Iterator[LocalClient]:
    store = DuckStore.in_memory()
    seed(store, n=3000, days=2)
    yield LocalClient(store)
    store.close()


@pytest.fixture(scope="module")
def url(local: LocalClient) -> Iterator[str]:
    with serving(local) as address:
        yield address


def shown(app: AppTest) -> str:
    (card,) = (each.body for each in app.html if "cs-desk'" in each.body or 'class="cs-desk"' in each.body)
    return str(card).partition('data-item="')[2].partition('"')[0]


def press(app: AppTest, label: str) -> AppTest:
    (button,) = (each for each in app.button if each.label == label)
    return button.click().run()


def kept(local: LocalClient, reviewer: str) -> list[dict[str, Any]]:
    return list(local.run(label_exchange.LabelsQuery(label_exchange.LabelsArgs(reviewer=reviewer))).rows.to_pylist())


def opened_by(opened: Open, url: str, reviewer: str) -> AppTest:
    return opened(url, "quality.py", range="3d", part="Review", reviewer=reviewer)


def test_the_review_page_shows_nothing_without_a_name(opened: Open, url: str) -> None:
    app = opened(url, "quality.py", part="Review")
    assert not app.exception
    assert "No reviewer yet" in "".join(each.body for each in app.html)


def test_a_key_saves_a_label_and_shows_the_next_pair(opened: Open, url: str, local: LocalClient) -> None:
    app = opened_by(opened, url, "ana")
    first = shown(app)
    press(app, "Left")
    (label,) = kept(local, "ana")
    assert (label["item_id"], label["verdict"], label["said_by"]) == (first, label["shown_left"], "desk")
    assert shown(app) != first


def test_a_reload_shows_the_same_pair(opened: Open, url: str) -> None:
    assert shown(opened_by(opened, url, "bea")) == shown(opened_by(opened, url, "bea"))


def test_undo_brings_the_pair_back_and_keeps_both_labels(opened: Open, url: str, local: LocalClient) -> None:
    app = opened_by(opened, url, "cid")
    first = shown(app)
    press(app, "Neither")
    press(app, "Undo")
    assert shown(app) == first
    assert [each["verdict"] for each in kept(local, "cid")] == ["neither", None]


def test_a_comment_is_saved_with_its_label(opened: Open, url: str, local: LocalClient) -> None:
    app = opened_by(opened, url, "dan")
    (comment,) = (each for each in app.text_input if each.label.startswith("Comment"))
    comment.set_value("  wrong unit").run()
    press(app, "Both")
    assert kept(local, "dan")[0]["comment"] == "  wrong unit"


def test_every_label_button_has_its_shortcut(opened: Open, url: str) -> None:
    app = opened_by(opened, url, "eva")
    press(app, "Both")
    keys = {each.label: each.proto.shortcut for each in app.button if each.proto.shortcut}
    assert keys == {"Left": "1", "Right": "2", "Both": "3", "Neither": "4", "Undo": "u"}


def test_a_label_that_was_given_elsewhere_meanwhile_is_not_replaced(opened: Open, url: str, local: LocalClient) -> None:
    app = opened_by(opened, url, "fay")
    item = shown(app)
    local.execute(review_labels.SetLabelCommand(item, review_labels.Label(reviewer="fay", revision=1, verdict="both")))
    press(app, "Neither")
    assert [each.value for each in app.warning] == ["Not saved: revision 1 of fay says something else: both"]
    assert [each["verdict"] for each in kept(local, "fay")] == ["both"]
