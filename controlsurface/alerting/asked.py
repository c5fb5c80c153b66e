"""What is asked about alerts, wherever the store is: those of now, what became of earlier ones, rules, messages."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa
from pydantic import Field

from controlsurface.alerting import written
from controlsurface.alerting.episodes import dedup_key
from controlsurface.alerting.inhibition import Inhibitors, Rule
from controlsurface.alerting.muting import held_by
from controlsurface.alerting.silencing import NoArguments
from controlsurface.metrics.arguments import Arguments
from controlsurface.reader.asking import Answer, Ground

_ALERTS = """
SELECT a.*, r.kind, r.group_name, r.definition
FROM alerts AS a LEFT JOIN alert_rules AS r ON r.rule = a.rule
ORDER BY list_position(['firing', 'pending', 'resolved'], a.state), coalesce(a.fired_at, a.active_at) DESC, a.labels
"""
_HISTORY = 'SELECT * FROM alert_history ORDER BY "at" DESC, rule, labels LIMIT $limit'
_RULES = "SELECT * FROM alert_rules ORDER BY position"
_MESSAGES = """
SELECT id, notifier, reason, state, attempts, created_at, next_at, sent_at, problem, labels,
    json_extract_string(payload, '$.title') AS title
FROM outbox ORDER BY number DESC LIMIT $limit
"""


_LOOP = """
SELECT
    evaluations, failed, missed, lag_s, evaluated_at, problem, problem IS NOT NULL AS outdated,
    coalesce(clock_steps, 0) AS clock_steps, clock_problem,
    (SELECT count(*) FROM alert_rules) AS rules,
    (SELECT count(*) FROM alert_rules WHERE health = 'err') AS failing,
    (SELECT count(*) FROM alerts WHERE state = 'firing') AS firing
FROM alert_loop
"""
_COUNTS = """
SELECT
    notifier, coalesce(sent, 0) AS sent, coalesce(errors, 0) AS errors, coalesce(dropped, 0) AS dropped,
    coalesce(waiting, 0) AS waiting
FROM notification_counts
FULL JOIN (SELECT notifier, count(*) AS waiting FROM outbox WHERE state = 'waiting' GROUP BY notifier) USING (notifier)
ORDER BY notifier
"""


class Latest(Arguments):
    """How many."""

    limit: int = Field(100, ge=1, le=1000, description="rows at most, the newest first")


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts of now, firing ones first: columns of `alerts`, kind, group_name and definition of the rule, held_by.

    `held_by` says what keeps a firing alert from being sent; null: nothing does.
    """

    arguments: NoArguments = field(default_factory=NoArguments)
    path: str = "/api/v1/alerts"

    def answered(self, ground: Ground) -> Answer:
        """From the store."""
        rows = ground.state(_ALERTS)
        held = _held(ground) if rows.num_rows else {}
        keys = [dedup_key(row["rule"], orjson.loads(row["labels"]), row["active_at"]) for row in rows.to_pylist()]
        return Answer(rows.append_column("held_by", pa.array([held.get(key) for key in keys], pa.string())))


def _held(ground: Ground) -> dict[str, str | None]:
    """What holds back each episode, by its key."""
    now = datetime.now(UTC)
    episodes = [written.episode_of(each) for each in _listed(ground, "FROM alert_episodes")]
    silences = [written.silence_of(each) for each in _listed(ground, "FROM silences WHERE ends_at > $now", now)]
    rules = [Rule.of(each) for each in ground.config.delivery.inhibit]
    sources = Inhibitors(episodes, rules)
    return {each.key: held_by(each, sources, silences, now) for each in episodes}


def _listed(ground: Ground, sql: str, now: datetime | None = None) -> list[dict[str, Any]]:
    return ground.state(sql, {"now": now} if now else {}).to_pylist()


@dataclass(frozen=True, slots=True)
class History:
    """Changes of state, the newest first: at, rule, labels (JSON), was, state, value, n, onset."""

    arguments: Latest = field(default_factory=Latest)
    path: str = "/api/v1/alerts/history"

    def answered(self, ground: Ground) -> Answer:
        """From the store."""
        return Answer(ground.state(_HISTORY, {"limit": self.arguments.limit}))


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force, in the order of their files: columns of `alert_rules`.

    The fact `warnings` holds the problems of rule files that are newer and wrong, one each, and that of the clock.
    """

    arguments: NoArguments = field(default_factory=NoArguments)
    path: str = "/api/v1/rules"

    def answered(self, ground: Ground) -> Answer:
        """From the store."""
        loop = ground.state(_LOOP).to_pylist()
        texts = (text or "" for row in loop for text in (row["problem"], row["clock_problem"]))
        warnings = [line for text in texts for line in text.splitlines()]
        return Answer(ground.state(_RULES), {"warnings": warnings})


@dataclass(frozen=True, slots=True)
class Messages:
    """What was sent, waits or was given up, the newest first; a problem never holds a secret."""

    arguments: Latest = field(default_factory=Latest)
    path: str = "/api/v1/notifications"

    def answered(self, ground: Ground) -> Answer:
        """From the store."""
        return Answer(ground.state(_MESSAGES, {"limit": self.arguments.limit}))


@dataclass(frozen=True, slots=True)
class Loop:
    """How the loop that evaluates rules fares: one row, or none before its first evaluation."""

    arguments: NoArguments = field(default_factory=NoArguments)
    path: str = "/metrics"

    def answered(self, ground: Ground) -> Answer:
        """From the store."""
        return Answer(ground.state(_LOOP))


@dataclass(frozen=True, slots=True)
class Notified:
    """What became of messages since the store was made: notifier, sent, errors, dropped, waiting (now)."""

    arguments: NoArguments = field(default_factory=NoArguments)
    path: str = "/metrics"

    def answered(self, ground: Ground) -> Answer:
        """From the store."""
        return Answer(ground.state(_COUNTS))
