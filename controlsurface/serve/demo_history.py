"""What `serve --demo` adds to simulated traffic: a percentage while history comes, and people who work on it."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from zlib import crc32

from controlsurface.audit.answer_review.label_exchange import (
    MAX_LABELS_PER_COMMAND,
    ImportLabelsCommand,
    LabelRow,
    LabelRows,
)
from controlsurface.audit.answer_review.review_queue import ReviewItemsArgs, ReviewItemsQuery
from controlsurface.client import RemoteClient
from controlsurface.client.queries.costs.incidents import IncidentBody, RecordIncident
from controlsurface.client.queries.ingest_queries import IngestQuery
from controlsurface.demo.loading_progress import DONE, PROGRESS_ENVIRONMENT, write_progress
from controlsurface.errors import ControlSurfaceError

MAX_PENDING_SPANS = 20_000  # sent and not yet stored, before more is sent: what is shown is what is there
POLL_S = 0.2
REVIEWERS = ("ada", "ben")
LABELS_PER_REVIEWER = 150
DEMO_INCIDENT = "d3d3d3d3d3d3"
INCIDENT_BEGAN, INCIDENT_WORK = timedelta(hours=5), timedelta(minutes=50)
SECOND_OPINIONS = 40  # items that both have looked at


@contextmanager
def demo_loading(stop: Event) -> Iterator[Callable[[float], None]]:
    """Takes the share of the history that was sent; nothing to do unless the server that we fill has asked for it."""
    if not os.environ.get(PROGRESS_ENVIRONMENT):
        yield lambda _: None
        return
    client = RemoteClient(os.environ["CONTROLSURFACE_API"], os.environ.get("CONTROLSURFACE_TOKEN", ""))
    with closing(client):
        yield lambda share: _report(client, share, stop)


def _report(client: RemoteClient, share: float, stop: Event) -> None:
    """Wait until what was sent is stored, and say how much that is; at the end reviewers have their say."""
    whole = share >= 1
    try:
        while client.run(IngestQuery()).pending > (0 if whole else MAX_PENDING_SPANS):
            if stop.wait(POLL_S):
                return
        if whole:
            review_answers(client)
            log_incident(client)
    except ControlSurfaceError:
        pass  # the server has ended, or is too busy to answer: traffic goes on, and so does this
    write_progress(DONE if whole else min(int(share * 100), DONE - 1))


def review_answers(client: RemoteClient) -> None:
    """Two people label pairs of answers, some of them both; which pairs, a hash says, as in the queue of the page."""
    found = client.run(ReviewItemsQuery(ReviewItemsArgs(limit=10_000))).rows.to_pylist()
    drawn = sorted((item for item in found if not item["labels"]), key=lambda item: _hash(item["item_id"]))
    labels = [_label(item, place % 2) for place, item in enumerate(drawn[: 2 * LABELS_PER_REVIEWER])]
    labels += [_label(item, (place + 1) % 2) for place, item in enumerate(drawn[:SECOND_OPINIONS])]
    for first in range(0, len(labels), MAX_LABELS_PER_COMMAND):
        client.execute(ImportLabelsCommand(LabelRows(rows=tuple(labels[first : first + MAX_LABELS_PER_COMMAND]))))


def log_incident(client: RemoteClient) -> None:
    """Two engineers have looked into the incident of the history for a while."""
    started_at = datetime.now(UTC) - INCIDENT_BEGAN
    client.execute(
        RecordIncident(
            IncidentBody(
                incident_id=DEMO_INCIDENT,
                started_at=started_at,
                ended_at=started_at + INCIDENT_WORK,
                people=2,
                team="operations",
                note="extraction escalates since router 2026.41",
                slice=("task_type:extraction",),
                recorded_by=REVIEWERS[0],
            )
        )
    )


def _label(item: Mapping[str, Any], reviewer: int) -> LabelRow:
    """What this reviewer says: equal answers are both right, of others mostly the large lane's."""
    luck = _hash(f"{item['item_id']} {reviewer}") % 10
    large = "shadow" if item["shadow_lane"] == "large" else "production"
    small = "production" if large == "shadow" else "shadow"
    same = item["answer_label"] == item["shadow_label"]
    verdict = ("neither" if luck == 0 else "both") if same else (small if luck < 2 else "both" if luck == 2 else large)
    return LabelRow(item_id=item["item_id"], reviewer=REVIEWERS[reviewer], verdict=verdict, said_by="demo")


def _hash(text: str) -> int:
    return crc32(text.encode())
