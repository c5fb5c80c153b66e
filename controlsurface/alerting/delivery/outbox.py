"""The rows between an alert and a message: taken over, decided on, tried. Each step is one transaction."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa

from controlsurface.alerting.delivery import delivery_rows
from controlsurface.alerting.delivery.grouping import DeliveryPlan, DeliveryState, Notification
from controlsurface.alerting.delivery.silences import Silence
from controlsurface.alerting.model import SHARE_ABOVE_KEY, Alert, AlertSnapshot, Episode, dedup_key
from controlsurface.alerting.rules.rule_models import AlertRule, BudgetRule, MetricRule
from controlsurface.store.duckdb import DuckStore, WriteTransaction

FALSE_ALARMS_KEY = "expected_false_alarms_per_week"  # of an alert's evidence


def snapshot_alert(rule: AlertRule, alert: Alert) -> AlertSnapshot:
    """The facts of one alert."""
    reading = alert.reading
    measured = rule.measured if isinstance(rule, MetricRule) else None
    over = getattr(rule, "over", None)
    return AlertSnapshot(
        rule=rule.alert,
        kind=rule.kind,
        metric=measured.id if measured else None,
        contributors_of="cost" if isinstance(rule, BudgetRule) else None,
        unit="ratio" if SHARE_ABOVE_KEY in reading.evidence else measured.unit if measured else "",
        where=(*rule.where_pairs, *(f"{name}:{value or ''}" for name, value in reading.slice.items())),
        over_s=over.total_seconds() if over else None,
        value=reading.value,
        low=reading.low,
        high=reading.high,
        n=reading.n,
        before=reading.before,
        threshold=reading.threshold,
        above=getattr(rule, "above", None) is not None,
        onset=alert.began,
        evidence=orjson.loads(orjson.dumps(dict(reading.evidence), default=str)),  # what JSON can say of it
        false_alarms_per_week=_number(reading.evidence.get(FALSE_ALARMS_KEY)),
        annotations=dict(alert.annotations),
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


MAX_PROBLEM_CHARS = 1000  # characters of what is written down of a failure


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message that waits to be sent. `payload` None: nobody has composed it yet."""

    id: str
    notifier: str
    group: str
    labels: Mapping[str, str]
    reason: str
    firing: tuple[Episode, ...]
    resolved: tuple[Episode, ...]
    payload: Mapping[str, Any] | None
    attempts: int
    created_at: datetime
    next_at: datetime


def enqueue_alerts(writing: WriteTransaction, pairs: Sequence[tuple[AlertRule, Alert]], now: datetime) -> None:
    """Take over alerts in the transaction that changes their state: all that fire, and those that have just ended.

    May be told the same again and again. An alert that fires no more ends its episode; one that delivery has done with
    is not taken up again.
    """
    found = [_episode(rule, alert, now) for rule, alert in pairs]
    firing = [each for each in found if each.fires]
    if firing:
        writing.attach("taken_over", _table(map(delivery_rows.episode_row, firing), delivery_rows.EPISODES_SCHEMA))
        writing.execute("DELETE FROM alert_episodes WHERE key IN (SELECT key FROM taken_over)")
        writing.execute("INSERT INTO alert_episodes BY NAME FROM taken_over")
        writing.detach()
    ended = [each for each in found if not each.fires]
    if ended:
        writing.attach("given_back", _table(map(delivery_rows.episode_row, ended), delivery_rows.EPISODES_SCHEMA))
        writing.execute(
            "UPDATE alert_episodes SET ends_at = g.ends_at FROM given_back AS g "
            "WHERE g.key = alert_episodes.key AND alert_episodes.ends_at IS NULL"
        )
        writing.detach()


def _episode(rule: AlertRule, alert: Alert, now: datetime) -> Episode:
    """An alert as delivery sees it; one that went back to pending is over."""
    labels = dict(alert.labels)
    ends_at = None if alert.state == "firing" else alert.resolved_at or now
    key = dedup_key(rule.alert, labels, alert.active_at)
    return Episode(key, labels, alert.fired_at or alert.active_at, ends_at, snapshot_alert(rule, alert))


_DELIVERY_STATE_SQL = """
SELECT
    (SELECT list(e ORDER BY starts_at, key) FROM alert_episodes AS e) AS episodes,
    (SELECT list(g) FROM alert_groups AS g) AS groups,
    (SELECT list(l) FROM notification_log AS l) AS log,
    (SELECT list(DISTINCT {'group': group_key, 'notifier': notifier}) FROM outbox WHERE state = 'waiting') AS waiting,
    (SELECT list(s ORDER BY starts_at DESC, id) FROM silences AS s
        WHERE $now::TIMESTAMP IS NULL OR ends_at > $now::TIMESTAMP) AS silences
"""


def load_delivery_state(
    read: Callable[[str, Mapping[str, Any]], pa.Table], now: datetime | None = None
) -> tuple[DeliveryState, list[Silence]]:
    """All that delivery knows, in one question, and the silences that are not over by `now`, the newest first."""
    found = {name: value or [] for name, value in read(_DELIVERY_STATE_SQL, {"now": now}).to_pylist()[0].items()}
    groups = map(delivery_rows.group_from_row, found["groups"])
    desk = DeliveryState(
        tuple(map(delivery_rows.episode_from_row, found["episodes"])),
        {each.key: each for each in groups},
        dict(map(delivery_rows.log_entry_from_row, found["log"])),
        frozenset((each["group"], each["notifier"]) for each in found["waiting"]),
    )
    return desk, list(map(delivery_rows.silence_from_row, found["silences"]))


def queue_notifications(
    store: DuckStore, look: Callable[[DeliveryState, Sequence[Silence]], DeliveryPlan], now: datetime
) -> list[str]:
    """Look at the desk and write down what comes of it; the notifiers that have something new to send."""
    desk, silences = load_delivery_state(store.state, now)
    found = look(desk, silences)
    if found.desk == desk and not found.notifications:
        return []  # most of the time nothing is due, and then nobody waits for the writer
    with store.writing() as writing:
        found = look(*load_delivery_state(writing.rows, now))
        _write_state(writing, found.desk)
        for sending in found.notifications:
            _insert_notification(writing, sending, now)
    return sorted({each.notifier for each in found.notifications})


def _write_state(writing: WriteTransaction, desk: DeliveryState) -> None:
    """The desk as the tables have it from now on; they hold tens of rows."""
    writing.attach("kept", pa.table({"key": pa.array([each.key for each in desk.episodes], pa.string())}))
    writing.execute("DELETE FROM alert_episodes WHERE key NOT IN (SELECT key FROM kept)")
    groups = _table(map(delivery_rows.group_row, desk.groups.values()), delivery_rows.GROUPS_SCHEMA)
    log = _table(
        (delivery_rows.log_entry_row(place, entry) for place, entry in desk.log.items()), delivery_rows.LOG_SCHEMA
    )
    for name, table in (("alert_groups", groups), ("notification_log", log)):
        writing.attach(f"new_{name}", table)
        writing.execute(f"DELETE FROM {name}")
        writing.execute(f"INSERT INTO {name} BY NAME FROM new_{name}")
    writing.detach()


def _insert_notification(writing: WriteTransaction, sending: Notification, now: datetime) -> None:
    columns = {
        "id": str(uuid.uuid4()),
        "notifier": sending.notifier,
        "group_key": sending.group,
        "labels": delivery_rows.compact_json(dict(sending.labels)),
        "reason": sending.reason,
        "firing": delivery_rows.episodes_to_json(sending.firing),
        "resolved": delivery_rows.episodes_to_json(sending.resolved),
        "state": "waiting",
        "attempts": 0,
        "created_at": now,
        "next_at": now,
    }
    names, marks = ", ".join(columns), ", ".join(f"${name}" for name in columns)
    writing.execute(f"INSERT INTO outbox (number, {names}) VALUES (nextval('outbox_order'), {marks})", columns)


# What waits for longer than anything may was put off by a clock that has gone back since: it is due.
_NEXT_DUE_SQL = """
SELECT * FROM outbox AS o
WHERE notifier = $notifier AND state = 'waiting' AND NOT EXISTS (
    SELECT 1 FROM outbox AS earlier
    WHERE earlier.notifier = o.notifier AND earlier.group_key = o.group_key
        AND earlier.state = 'waiting' AND earlier.number < o.number
)
ORDER BY
    next_at > $now AND next_at <= $latest, CASE WHEN next_at > $now AND next_at <= $latest THEN next_at END, number
LIMIT 1
"""


def next_due_message(store: DuckStore, notifier: str, now: datetime, longest_wait: timedelta) -> OutboxMessage | None:
    """The message that a notifier tries next, now or later; messages of one group keep their order."""
    latest = now + longest_wait
    found = store.state(_NEXT_DUE_SQL, {"notifier": notifier, "now": now, "latest": latest}).to_pylist()
    message = _message(found[0]) if found else None
    return replace(message, next_at=now) if message and message.next_at > latest else message


def _message(row: Mapping[str, Any]) -> OutboxMessage:
    plain = {name: row[name] for name in ("id", "notifier", "reason", "attempts", "created_at", "next_at")}
    labels, payload = (text and orjson.loads(text) for text in (row["labels"], row["payload"]))
    firing, resolved = (delivery_rows.episodes_from_json(row[name]) for name in ("firing", "resolved"))
    message = {"labels": labels, "payload": payload, "firing": firing, "resolved": resolved}
    return OutboxMessage(group=row["group_key"], **message, **plain)


def store_payload(store: DuckStore, message: OutboxMessage, payload: Mapping[str, Any]) -> None:
    """What every further attempt sends too."""
    with store.writing() as writing:
        given = {"payload": delivery_rows.compact_json(payload), "id": message.id}
        writing.execute("UPDATE outbox SET payload = $payload WHERE id = $id", given)


def mark_sent(store: DuckStore, message: OutboxMessage, now: datetime) -> None:
    """The receiver has it."""
    with store.writing() as writing:
        writing.execute(
            "UPDATE outbox SET state = 'sent', sent_at = $now, attempts = attempts + 1, problem = NULL WHERE id = $id",
            {"now": now, "id": message.id},
        )
        _add_counts(writing, message.notifier, sent=1)


def mark_failed(store: DuckStore, message: OutboxMessage, problem: str, again_at: datetime) -> None:
    """It is tried again."""
    with store.writing() as writing:
        writing.execute(
            "UPDATE outbox SET attempts = attempts + 1, next_at = $next_at, problem = $problem WHERE id = $id",
            {"next_at": again_at, "problem": _storable_problem(problem), "id": message.id},
        )
        _add_counts(writing, message.notifier, errors=1)


def mark_dead(store: DuckStore, message: OutboxMessage, problem: str) -> None:
    """It is not tried again; its notifier counts as not told, so that the group's next message is a whole one."""
    with store.writing() as writing:
        writing.execute(
            "UPDATE outbox SET state = 'dead', attempts = attempts + 1, problem = $problem WHERE id = $id",
            {"problem": _storable_problem(problem), "id": message.id},
        )
        writing.execute(
            "DELETE FROM notification_log WHERE group_key = $group AND notifier = $notifier",
            {"group": message.group, "notifier": message.notifier},
        )
        _add_counts(writing, message.notifier, errors=1, dropped=1)


def _storable_problem(problem: str) -> str:
    """A problem as any column takes it: nothing that a receiver says keeps an attempt from being written down."""
    return problem[:MAX_PROBLEM_CHARS].encode("utf-8", "replace").decode().replace("\0", "?")


_ADD_COUNTS_SQL = """
INSERT INTO notification_counts VALUES ($notifier, $sent, $errors, $dropped)
ON CONFLICT (notifier) DO UPDATE
SET sent = sent + excluded.sent, errors = errors + excluded.errors, dropped = dropped + excluded.dropped
"""


def _add_counts(writing: WriteTransaction, notifier: str, *, sent: int = 0, errors: int = 0, dropped: int = 0) -> None:
    """Add to what is told of a notifier."""
    writing.execute(_ADD_COUNTS_SQL, {"notifier": notifier, "sent": sent, "errors": errors, "dropped": dropped})


def discard_orphans(store: DuckStore, notifiers: Sequence[str]) -> None:
    """Give up what waits for notifiers that are no longer configured; nobody would ever try it."""
    with store.writing() as writing:
        known = {"known": list(notifiers)}
        waiting = "FROM outbox WHERE state = 'waiting' AND NOT list_contains($known::VARCHAR[], notifier)"
        lost = writing.rows(f"SELECT notifier, count(*) AS n {waiting} GROUP BY notifier", known).to_pylist()
        for row in lost:
            writing.execute(
                "UPDATE outbox SET state = 'dead', problem = $problem WHERE state = 'waiting' AND notifier = $notifier",
                {"problem": "there is no such notifier any more", "notifier": row["notifier"]},
            )
            _add_counts(writing, row["notifier"], dropped=row["n"])


def _table(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(list(map(dict, rows)), schema)
