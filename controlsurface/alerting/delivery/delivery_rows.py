"""Episodes, silences and the rest of delivery as rows, and back; times are UTC without a zone in the store."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa

from controlsurface.alerting.delivery.grouping import AlertGroup, LogEntry
from controlsurface.alerting.delivery.silences import Silence
from controlsurface.alerting.model import AlertSnapshot, Episode
from controlsurface.config.label_matchers import LabelMatcher

StoredRow = Mapping[str, Any]


def compact_json(value: object) -> str:
    """JSON text, the same for the same value."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z).decode()


def episode_row(episode: Episode) -> dict[str, Any]:
    """A row of alert_episodes."""
    return {
        "key": episode.key,
        "labels": compact_json(dict(episode.labels)),
        "starts_at": episode.starts_at,
        "ends_at": episode.ends_at,
        "facts": episode.facts.model_dump_json(),
    }


def episode_from_row(row: StoredRow) -> Episode:
    """The inverse of `episode_row`."""
    return Episode(
        row["key"],
        orjson.loads(row["labels"]),
        row["starts_at"],
        row["ends_at"],
        AlertSnapshot.model_validate_json(row["facts"]),
    )


def episodes_to_json(episodes: Iterable[Episode]) -> str:
    """Episodes as one JSON text."""
    return compact_json([episode_row(each) | _texts(each) for each in episodes])


def episodes_from_json(text: str) -> tuple[Episode, ...]:
    """The inverse of `episodes_to_json`."""
    rows = orjson.loads(text)
    for row in rows:
        row["starts_at"] = datetime.fromisoformat(row["starts_at"])
        row["ends_at"] = row["ends_at"] and datetime.fromisoformat(row["ends_at"])
    return tuple(map(episode_from_row, rows))


def _texts(episode: Episode) -> dict[str, str | None]:
    ends = episode.ends_at
    return {"starts_at": episode.starts_at.isoformat(), "ends_at": ends.isoformat() if ends else None}


def group_row(group: AlertGroup) -> dict[str, Any]:
    """A row of alert_groups."""
    return {"key": group.key, "labels": compact_json(dict(group.labels)), "next_at": group.next_at}


def group_from_row(row: StoredRow) -> AlertGroup:
    """The inverse of `group_row`."""
    return AlertGroup(row["key"], orjson.loads(row["labels"]), row["next_at"])


def log_entry_row(place: tuple[str, str], entry: LogEntry) -> dict[str, Any]:
    """A row of notification_log."""
    keys = {"firing": sorted(entry.firing), "resolved": sorted(entry.resolved)}
    return {"group_key": place[0], "notifier": place[1], **keys, "at": entry.at}


def log_entry_from_row(row: StoredRow) -> tuple[tuple[str, str], LogEntry]:
    """The inverse of `log_entry_row`."""
    entry = LogEntry(frozenset(row["firing"]), frozenset(row["resolved"]), row["at"])
    return (row["group_key"], row["notifier"]), entry


def silence_row(silence: Silence) -> dict[str, Any]:
    """A row of silences."""
    return asdict(silence) | {"matchers": [asdict(each) for each in silence.matchers]}


def silence_from_row(row: StoredRow) -> Silence:
    """The inverse of `silence_row`."""
    return Silence(**{**row, "matchers": tuple(LabelMatcher(**each) for each in row["matchers"])})


_TEXT: pa.DataType = pa.string()
_TIME: pa.DataType = pa.timestamp("us")
_KEYS: pa.DataType = pa.list_(pa.string())
EPISODES_SCHEMA = pa.schema(
    [("key", _TEXT), ("labels", _TEXT), ("starts_at", _TIME), ("ends_at", _TIME), ("facts", _TEXT)]
)
GROUPS_SCHEMA = pa.schema([("key", _TEXT), ("labels", _TEXT), ("next_at", _TIME)])
LOG_SCHEMA = pa.schema(
    [("group_key", _TEXT), ("notifier", _TEXT), ("firing", _KEYS), ("resolved", _KEYS), ("at", _TIME)]
)
