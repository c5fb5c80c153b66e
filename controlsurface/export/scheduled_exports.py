"""The cost of each closed week, or day, as files that the server writes: one folder a week and revision."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from controlsurface.blob_store import BlobStore, open_blobs
from controlsurface.client import Client
from controlsurface.config.cost_exports import CostExportsConfig
from controlsurface.errors import ConfigError, ControlSurfaceError
from controlsurface.export.weekly_cost import MANIFEST_SUFFIX, export_weekly_cost
from controlsurface.money.cost_attribution import AttributionArgs, render_attribution, week_of

log = logging.getLogger("controlsurface.exports")

CHECK_INTERVAL = timedelta(hours=6)
FIRST_CHECK = timedelta(minutes=1)  # after a start, which has other things to do
_WEEK, _DAY = timedelta(weeks=1), timedelta(days=1)


def due_weeks(now: datetime, delay: timedelta, count: int) -> list[str]:
    """The last weeks that have been over for `delay`, the newest first.

    >>> from datetime import UTC
    >>> due_weeks(datetime(2026, 11, 24, 7, tzinfo=UTC), timedelta(days=1), 2)
    ['2026-W47', '2026-W46']
    >>> due_weeks(datetime(2026, 11, 23, 23, tzinfo=UTC), timedelta(days=1), 1)
    ['2026-W46']
    """
    return [week_of(now - delay - back * _WEEK) for back in range(1, count + 1)]


def due_days(now: datetime, delay: timedelta, weeks: int) -> list[str]:
    """The days of as many weeks that have been over for `delay`, the newest first.

    >>> from datetime import UTC
    >>> due_days(datetime(2026, 11, 24, 7, tzinfo=UTC), timedelta(days=1), 1)[::6]
    ['2026-11-22', '2026-11-16']
    """
    last = (now - delay).astimezone(UTC).date()
    return [(last - back * _DAY).isoformat() for back in range(1, weeks * 7 + 1)]


def check_schedule(section: CostExportsConfig) -> None:
    """Refuse dimensions that calls do not have, and places that are none. Raises ConfigError."""
    try:
        render_attribution(AttributionArgs(week="2026-W01", by=section.by))
    except ControlSurfaceError as problem:
        raise ConfigError(f"exports.by: {problem}") from None
    try:
        open_blobs(section.folder, private=False)
    except ControlSurfaceError as problem:
        raise ConfigError(f"exports.folder: {problem}") from None


def write_due_exports(reader: Client, section: CostExportsConfig, now: datetime) -> Iterator[str]:
    """Write what is due and not there yet: WEEK/revision-N/FILE and its manifest; the names of the files written.

    A week or day without a call has no file. That is a warning for one in which calls were to be expected, since there
    are some before it; so is one that cannot be written, which is tried again the next time.
    """
    place = open_blobs(section.folder, private=False)
    due = due_days if section.period == "day" else due_weeks
    empty: list[str] = []
    for week in due(now, section.delay, section.weeks):
        try:
            made = list(_write_week(reader, section, place, week, now))
        except (ControlSurfaceError, OSError) as problem:
            log.warning("the cost of %s is not exported: %s", week, problem)
            continue
        if made and empty:
            log.warning("no call in %s: nothing is exported", ", ".join(empty))
        empty = [] if made else [*empty, week]
        yield from (name for name in made if name)


def _write_week(
    reader: Client, section: CostExportsConfig, place: BlobStore, week: str, now: datetime
) -> Iterator[str]:
    """The name of each file that was written; an empty one for what is there already."""
    for form in dict.fromkeys(section.formats):
        made = export_weekly_cost(reader, AttributionArgs(week=week, by=section.by), form, now)
        if not made.rows or made.revision is None:
            continue
        folder = f"{week}/revision-{made.revision['revision']}/"
        there = f"{folder}{made.name}{MANIFEST_SUFFIX}" in place.names(folder.rstrip("/"))
        yield "" if there else made.write(place, folder)[0]


class ScheduledExports:
    """The thread that looks every CHECK_INTERVAL, and not while the machine's clock is in doubt."""

    def __init__(
        self,
        reader: Client,
        section: CostExportsConfig,
        clock: Callable[[], datetime],
        in_doubt: Callable[[], object],
        first: timedelta = FIRST_CHECK,
    ) -> None:
        self._reader, self._section, self._clock, self._in_doubt = reader, section, clock, in_doubt
        self._wait = first
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="exports", daemon=True)

    def start(self) -> None:
        """Begin, where a folder is configured. Raises ConfigError for dimensions that calls do not have."""
        check_schedule(self._section)
        if self._section.folder:
            self._thread.start()

    def stop(self) -> None:
        """End after the file that is being written."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(self._wait.total_seconds()):
            self._wait = CHECK_INTERVAL
            if self._in_doubt():
                continue
            try:
                for name in write_due_exports(self._reader, self._section, self._clock()):
                    log.info("exported %s", name)
                    if self._stop.is_set():
                        break
            except Exception:
                log.exception("exports could not be written; trying again in %s", CHECK_INTERVAL)
