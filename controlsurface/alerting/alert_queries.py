"""What is asked about alerts, wherever the store is: those of now, what became of earlier ones, rules, messages."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

import orjson
import pyarrow as pa
from pydantic import Field

from controlsurface.alerting.delivery.outbox import load_delivery_state
from controlsurface.alerting.delivery.suppression import InhibitionIndex, InhibitionRule, suppressed_by
from controlsurface.alerting.model import dedup_key
from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    MAYBE_TEXT,
    NUMBER,
    TEXT,
    TEXTS,
    TIME,
    Column,
    column,
    columns,
    list_of,
    one_of,
    optional,
    record,
)
from controlsurface.client.query_protocol import PlainQuery, Query, ReadEndpoint, Result, StoreSession
from controlsurface.query.arguments import Arguments

_ALERTS_SQL = """
SELECT a.*, r.kind, r.group_name, r.definition
FROM alerts AS a LEFT JOIN alert_rules AS r ON r.rule = a.rule
ORDER BY list_position(['firing', 'pending', 'resolved'], a.state), coalesce(a.fired_at, a.active_at) DESC, a.labels
"""
_HISTORY_SQL = 'SELECT * FROM alert_history ORDER BY "at" DESC, rule, labels LIMIT $limit'
_RULES_SQL = "SELECT * FROM alert_rules ORDER BY position"
_NOTIFICATIONS_SQL = """
SELECT id, notifier, reason, state, attempts, created_at, next_at, sent_at, problem, labels,
    json_extract_string(payload, '$.title') AS title
FROM outbox ORDER BY number DESC LIMIT $limit
"""


_RULE_LOOP_SQL = """
SELECT
    evaluations, failed, missed, lag_s, evaluated_at, problem, problem IS NOT NULL AS outdated, doubts,
    coalesce(clock_steps, 0) AS clock_steps, clock_problem,
    (SELECT count(*) FROM alert_rules) AS rules,
    (SELECT count(*) FROM alert_rules WHERE health = 'err') AS failing,
    (SELECT count(*) FROM alerts WHERE state = 'firing') AS firing
FROM alert_loop
"""
_NOTIFICATION_COUNTS_SQL = """
SELECT
    notifier, coalesce(sent, 0) AS sent, coalesce(errors, 0) AS errors, coalesce(dropped, 0) AS dropped,
    coalesce(waiting, 0) AS waiting
FROM notification_counts
FULL JOIN (SELECT notifier, count(*) AS waiting FROM outbox WHERE state = 'waiting' GROUP BY notifier) USING (notifier)
ORDER BY notifier
"""


_ALERT = record(
    labels=TEXTS, annotations=TEXTS, state=one_of("pending", "firing"), activeAt=TIME, value=TEXT, heldBy=MAYBE_TEXT
)
_RULE = record(
    **dict.fromkeys(("type", "name", "query", "state", "health", "lastError", "note", "overridden"), TEXT),
    duration=NUMBER,
    labels=TEXTS,
    annotations=TEXTS,
    alerts=list_of(_ALERT),
    lastEvaluation=TIME,
    evaluationTime=FIGURE,
)
_GROUP = record(name=TEXT, file=TEXT, interval=NUMBER, rules=list_of(_RULE))


def _success(**data: Column) -> pa.Schema:
    """Answers as Prometheus has them (HTTP API v1)."""
    status = column(pa.string(), const="success")
    told = dict.fromkeys(("warnings", "doubts"), optional(list_of(TEXT)))
    return columns(status=status, data=record(**data), **told)


class LatestArguments(Arguments):
    """How many."""

    limit: int = Field(100, ge=1, le=1000, description="rows at most, the newest first")


class AlertsQuery(PlainQuery[Result]):
    """The alerts of now, firing ones first: columns of `alerts`, kind, group_name and definition of the rule, held_by.

    `suppressed_by` says what keeps a firing alert from being sent; null: nothing does.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/alerts",
        "alerts",
        "Alerts that are pending or fire",
        facts=_success(alerts=list_of(_ALERT)),
        form="facts",
    )

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        rows = session.state(_ALERTS_SQL)
        held = _suppression_reasons(session) if rows.num_rows else {}
        keys = [dedup_key(row["rule"], orjson.loads(row["labels"]), row["active_at"]) for row in rows.to_pylist()]
        return Result(rows.append_column("held_by", pa.array([held.get(key) for key in keys], pa.string())))


def _suppression_reasons(session: StoreSession) -> dict[str, str | None]:
    """What holds back each episode, by its key."""
    now = datetime.now(UTC)
    known, silences = load_delivery_state(session.state, now)
    sources = InhibitionIndex(known.episodes, [InhibitionRule.of(each) for each in session.config.delivery.inhibit])
    return {each.key: suppressed_by(each, sources, silences, now) for each in known.episodes}


@dataclass(frozen=True, slots=True)
class AlertHistoryQuery(Query[Result]):
    """Changes of state, the newest first: at, rule, labels (JSON), was, state, value, n, onset."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/alerts/history",
        "history",
        "Changes of alerts, the newest first",
        columns(at=TIME, rule=TEXT, labels=TEXT, was=MAYBE_TEXT, state=MAYBE_TEXT, onset=TIME),
    )
    arguments: LatestArguments = field(default_factory=LatestArguments)

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_HISTORY_SQL, {"limit": self.arguments.limit}))


class AlertRulesQuery(PlainQuery[Result]):
    """The rules in force, in the order of their files: columns of `alert_rules`.

    The fact `warnings` holds the problems of rule files that are newer and wrong, one each, and that of the clock;
    `doubts` what is odd in the files in force, such as an override of a rule that is no more.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/rules",
        "rules",
        "Rules in force, with their alerts",
        facts=_success(groups=list_of(_GROUP)),
        form="facts",
    )

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        loop = session.state(_RULE_LOOP_SQL).to_pylist()
        texts = (text or "" for row in loop for text in (row["problem"], row["clock_problem"]))
        warnings = [line for text in texts for line in text.splitlines()]
        doubts = [line for row in loop for line in (row["doubts"] or "").splitlines()]
        return Result(session.state(_RULES_SQL), {"warnings": warnings, "doubts": doubts})


@dataclass(frozen=True, slots=True)
class NotificationsQuery(Query[Result]):
    """What was sent, waits or was given up, the newest first; a problem never holds a secret."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/notifications",
        "notifications",
        "Messages sent, waiting and given up",
        columns(
            **dict.fromkeys(("id", "notifier", "reason"), TEXT),
            state=one_of("waiting", "sent", "dead"),
            attempts=COUNT,
            **dict.fromkeys(("created_at", "sent_at"), TIME),
            **dict.fromkeys(("problem", "title"), MAYBE_TEXT),
        ),
    )
    arguments: LatestArguments = field(default_factory=LatestArguments)

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_NOTIFICATIONS_SQL, {"limit": self.arguments.limit}))


class RuleLoopQuery(PlainQuery[Result]):
    """How the loop that evaluates rules fares: one row, or none before its first evaluation."""

    endpoint: ClassVar = ReadEndpoint("/metrics", "", "")

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_RULE_LOOP_SQL))


class NotificationCountsQuery(PlainQuery[Result]):
    """What became of messages since the store was made: notifier, sent, errors, dropped, waiting (now)."""

    endpoint: ClassVar = ReadEndpoint("/metrics", "", "")

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_NOTIFICATION_COUNTS_SQL))
