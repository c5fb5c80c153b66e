"""The task profile on the page What-if: what traffic tells beside what people say, and saving what was changed."""

from datetime import UTC, datetime

import polars as pl
import pytest

from controlsurface.client.task_profile.profile_queries import PROFILE_COLUMNS
from controlsurface.ui.audits.task_profile_editor import changed_rows, editable_table
from tests.ui.conftest import Open

NOW = datetime(2026, 2, 1, tzinfo=UTC)
ROW = dict.fromkeys(PROFILE_COLUMNS.names) | {"version": 3, "n": 9, "requests": 9.0, "from_traffic": ["tier"]}


@pytest.fixture
def rows() -> pl.DataFrame:
    said = {"task_type": "sql", "tier": "small", "owner": "bo", "input_p50": 10.4, "input_p95": 99.6}
    schema = dict.fromkeys(("output", "blast_radius", "routing_signal", "escalation_trigger"), pl.String)
    return pl.DataFrame([ROW | said], schema_overrides=schema)


def test_what_traffic_tells_of_a_lane_stands_beside_what_people_say(rows: pl.DataFrame) -> None:
    (shown,) = editable_table(rows).to_dicts()
    assert (shown["tier"], shown["tier_seen"], shown["owner"], shown["input"]) == (None, "small", "bo", "10, 100")


def test_only_rows_of_the_task_profile_that_were_changed_are_saved_on_top_of_what_was_shown(
    rows: pl.DataFrame,
) -> None:
    shown = editable_table(rows)
    assert changed_rows(rows, shown) == []
    (changed,) = changed_rows(rows, shown.with_columns(blast_radius=pl.lit("high")))
    assert (changed.task_type, changed.rests_on, changed.blast_radius, changed.owner) == ("sql", 3, "high", "bo")
    assert changed.tier is None


def test_the_task_profile_opens_with_its_task_types_and_says_when_nothing_was_changed(
    opened: Open, seeded_url: str
) -> None:
    app = opened(seeded_url, "what_if.py", range="3d", part="Task profile")
    assert not app.exception
    assert {"code", "chat"} <= {*app.dataframe[0].value["task_type"]}
    (save,) = (each for each in app.button if each.label == "Save changes")
    app.text_input(key="task_profile_author").input("ann")
    assert "Nothing was changed." in {each.value for each in save.click().run().warning}
