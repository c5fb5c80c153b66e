"""A server writes the cost of each closed week into a folder, once a revision, and none of a week that still runs."""

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.config import Config, load_config
from controlsurface.config.cost_exports import CostExportsConfig
from controlsurface.errors import ConfigError
from controlsurface.export.scheduled_exports import (
    ScheduledExports,
    check_schedule,
    due_days,
    due_weeks,
    write_due_exports,
)
from controlsurface.money.cost_attribution import week_end, week_start
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

NOW = datetime(2026, 1, 20, 9, tzinfo=UTC)  # a Tuesday: W03 is over since Monday, and W02 since the week before
moments = st.datetimes(datetime(2020, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def call(week: str, **more: Any) -> dict[str, Any]:
    return {"started_at": week_start(week) + timedelta(days=1), "team": "search", "cost_usd": Decimal("1.25")} | more


@pytest.fixture
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    put(made, [call("2026-W02"), call("2026-W03"), call("2026-W04")], "attempts")
    yield made
    made.close()


def written(store: DuckStore, folder: Path, now: datetime = NOW, **more: Any) -> list[str]:
    section = CostExportsConfig.model_validate({"folder": str(folder), "by": ("team",)} | more)
    return [*write_due_exports(LocalClient(store), section, now)]


@given(moments, st.timedeltas(timedelta(0), timedelta(days=28)), st.integers(1, 53))
def test_due_weeks_are_the_last_that_have_been_over_for_the_delay(now: datetime, delay: timedelta, count: int) -> None:
    weeks = due_weeks(now, delay, count)
    assert week_end(weeks[0]) <= now - delay < week_end(weeks[0]) + timedelta(weeks=1)
    assert [week_end(each) for each in weeks[1:]] == [week_start(each) for each in weeks[:-1]]


@given(moments, st.timedeltas(timedelta(0), timedelta(days=28)), st.integers(1, 5))
def test_due_days_are_the_last_that_have_been_over_for_the_delay(now: datetime, delay: timedelta, count: int) -> None:
    days = due_days(now, delay, count)
    assert len(days) == 7 * count
    assert week_end(days[0]) <= now - delay < week_end(days[0]) + timedelta(days=1)
    assert [week_end(each) for each in days[1:]] == [week_start(each) for each in days[:-1]]


def test_a_schedule_of_days_writes_a_folder_a_day_which_are_the_week_together(store: DuckStore, tmp_path: Path) -> None:
    put(store, [call("2026-W03") | {"started_at": week_start("2026-W03") + timedelta(days=4)}], "attempts")
    names = written(store, tmp_path, period="day", weeks=1)
    assert names == [f"{day}/revision-1/cost-{day}-by-team.csv" for day in ("2026-01-16", "2026-01-13")]
    abouts = [json.loads((tmp_path / f"{name}.manifest.json").read_text()) for name in names]
    assert sum(Decimal(about["totals"]["cost_usd"]) for about in abouts) == Decimal("2.50")
    assert written(store, tmp_path, period="day", weeks=1) == []


def test_a_week_without_a_call_after_weeks_with_some_is_said(
    store: DuckStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        written(store, tmp_path, NOW + timedelta(weeks=3))
    assert "no call in 2026-W06, 2026-W05: nothing is exported" in caplog.text
    caplog.clear()
    written(store, tmp_path, weeks=4)  # nothing was before the first call: nothing was to be expected
    assert "no call" not in caplog.text


def test_files_of_a_schedule_have_the_rights_of_other_files(store: DuckStore, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    (name, *_) = written(store, tmp_path / "reports")
    assert (tmp_path / "reports" / name).stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_closed_weeks_are_written_in_every_format_and_once(store: DuckStore, tmp_path: Path) -> None:
    first = written(store, tmp_path, formats=("csv", "xlsx"))
    assert first == [
        f"{week}/revision-1/cost-{week}-by-team.{form}" for week in ("2026-W03", "2026-W02") for form in ("csv", "xlsx")
    ]
    for name in first:
        about = json.loads((tmp_path / f"{name}.manifest.json").read_text())
        assert (about["revision"], about["totals"]["cost_usd"]) == (1, "1.25")
    assert written(store, tmp_path, NOW + timedelta(days=1), formats=("csv", "xlsx")) == []


def test_a_week_waits_for_late_spans_until_the_delay_is_over(store: DuckStore, tmp_path: Path) -> None:
    monday = week_end("2026-W03") + timedelta(hours=23)
    assert [name[:8] for name in written(store, tmp_path, monday)] == ["2026-W02"]
    assert [name[:8] for name in written(store, tmp_path, monday + timedelta(hours=1))] == ["2026-W03"]


def test_a_week_that_changed_is_written_beside_its_former_revision(store: DuckStore, tmp_path: Path) -> None:
    (before, *_) = written(store, tmp_path, weeks=1)
    body = (tmp_path / before).read_bytes()
    put(store, [call("2026-W03")], "attempts")
    (after,) = written(store, tmp_path, weeks=1)
    assert after == before.replace("revision-1", "revision-2")
    assert (tmp_path / before).read_bytes() == body


def test_a_week_that_cannot_be_written_keeps_no_other_from_it(
    store: DuckStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "2026-W03").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert [name[:8] for name in written(store, tmp_path)] == ["2026-W02"]
    assert "the cost of 2026-W03 is not exported" in caplog.text


@pytest.mark.parametrize(("doubt", "counts"), [(True, {0}), (False, {1, 2})])
def test_the_thread_writes_until_it_is_stopped_and_not_while_the_clock_is_in_doubt(
    store: DuckStore, tmp_path: Path, doubt: bool, counts: set[int]
) -> None:
    looked = threading.Event()

    def in_doubt() -> bool:
        looked.set()
        return doubt

    section = CostExportsConfig(folder=str(tmp_path / "out"), by=("team",))
    service = ScheduledExports(LocalClient(store), section, lambda: NOW, in_doubt, first=timedelta(0))
    service.start()
    assert looked.wait(20)
    service.stop()
    assert len([*(tmp_path / "out").rglob("*.csv")]) in counts


def test_a_schedule_by_a_dimension_that_calls_do_not_have_is_refused(tmp_path: Path) -> None:
    section = CostExportsConfig(folder=str(tmp_path), by=("teem",))
    service = ScheduledExports(LocalClient(DuckStore.in_memory()), section, lambda: NOW, bool)
    with pytest.raises(ConfigError, match=r"exports\.by: no dimension of attempts named 'teem'; did you mean 'team'"):
        service.start()


def test_the_folder_is_seen_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('[exports]\nfolder = "reports"\n')
    assert load_config(tmp_path / "c.toml").exports.folder == str(tmp_path / "reports")
    assert Config().exports.folder == ""


def test_a_bucket_is_a_place_for_exports_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    bucket = "s3://reports/cost?region=eu-west-1&endpoint_override=127.0.0.1:9000"
    (tmp_path / "c.toml").write_text(f'[exports]\nfolder = "{bucket}"\n')
    section = load_config(tmp_path / "c.toml").exports
    assert section.folder == bucket
    check_schedule(section)
    with pytest.raises(ConfigError, match=r"exports\.folder: ftp: a place is a folder or s3://bucket/folder"):
        check_schedule(CostExportsConfig(folder="ftp://host/reports"))
