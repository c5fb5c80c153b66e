"""The rows of a test: what it says of them, and defaults for all else."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controlsurface.alerting.testing.rule_test_cases import InputRows, RuleTestCase
from controlsurface.errors import ConfigError, did_you_mean
from controlsurface.store.duckdb import DuckStore, WriteTransaction

_INPUT_TABLES = ("requests", "attempts")
_COLUMN_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "requests": {"lane": "small", "attempts": 1, "failed_attempts": 0, "steps": 1, "retries": 0, "fell_back": False}
    | {"failed": False, "priced": True, "sample_weight": 1.0},
    "attempts": {"purpose": "user", "lane": "small", "failed": False, "billable": True, "sample_weight": 1.0},
}
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "BOOLEAN": (bool,),
    "VARCHAR": (str,),
    "BIGINT": (int,),
    "INTEGER": (int,),
}


def insert_input_rows(store: DuckStore, case: RuleTestCase) -> None:
    """The case's rows, and no others."""
    with store.writing() as writing:
        for table in (*_INPUT_TABLES, "events", "drift_streams", "drift_learnt", "drift_accepts"):
            writing.execute(f"DELETE FROM {table}")
        for table, blocks in (("requests", case.input_requests), ("attempts", case.input_attempts)):
            for block in blocks:
                _insert(writing, table, block, case.start)
        for told in case.input_events:
            writing.execute(
                'INSERT INTO events ("at", kind, title, source) VALUES ($at, $kind, $title, $source)',
                {"at": case.start + told.at, "kind": told.kind, "title": told.title, "source": "test"},
            )


def _insert(writing: WriteTransaction, table: str, block: InputRows, start: datetime) -> None:
    """The rows of one block, in one statement. Raises ConfigError for columns that do not exist or do not fit."""
    columns = writing.types(f"FROM {table}")
    values = {**_COLUMN_DEFAULTS[table], **block.columns}
    _check(table, block.columns, columns)
    ids = {"trace_id": "gen_random_uuid()", "span_id": "(random() * 1e18)::UBIGINT", "started_at": "moment"}
    ids |= {name: "gen_random_uuid()::VARCHAR" for name in ("request_id", "attempt_id") if name in columns}
    made = [f"{text} AS {name}" for name, text in ids.items() if name not in values]
    listed = ", ".join([*made, *(f"${name} AS {name}" for name in values)])
    writing.execute(
        f"INSERT INTO {table} BY NAME SELECT {listed} "
        "FROM (SELECT UNNEST(range($from_, $to_, $every_)) AS moment) CROSS JOIN range($count_)",
        {**values, **_time_parameters(block, start)},
    )


def _time_parameters(block: InputRows, start: datetime) -> Mapping[str, Any]:
    """The parameters that say when rows are, and how many."""
    first = start + block.from_
    return {"from_": first, "to_": start + block.to, "every_": block.every, "count_": block.count}


def _check(table: str, given: Mapping[str, Any], columns: Mapping[str, str]) -> None:
    """Refuse columns that the table does not have, and values that do not fit."""
    for name, value in given.items():
        if name not in columns:
            raise ConfigError(f"input_{table}: no column named '{name}'{did_you_mean(name, columns)}")
        fitting = _PYTHON_TYPES.get(columns[name], (int, float))
        if value is not None and (not isinstance(value, fitting) or (isinstance(value, bool) and bool not in fitting)):
            raise ConfigError(f"input_{table}: {name}: {value!r} is no {columns[name]}")
