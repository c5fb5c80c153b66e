"""A day of requests made inside DuckDB, each with a task type, a tenant and a model of its own."""

from datetime import datetime, timedelta
from pathlib import Path

from controlsurface.bench import request_history
from controlsurface.store.duckdb import DuckStore

_DAY = Path(request_history.__file__).with_name("traffic.sql").read_text("utf-8")
_OWN = {
    "'task-' || task AS": "'task-' || {i} AS",
    "'tenant-' || tenant AS": "'tenant-' || {i} AS",
    "['slm-7b', 'slm-3b', 'phi-4-mini'][1 + CAST(floor(3 * model) AS INTEGER)]": "'slm-' || {i}",
    "['gpt-5', 'claude-opus-5'][1 + CAST(floor(2 * model) AS INTEGER)]": "'gpt-' || {i}",
}


def fill(store: DuckStore, requests: int, end: datetime, most: int | None = None, hours: int = 24) -> None:
    """The requests of the hours before `end`; with `most` about as the border leaves them: not many more values."""
    own = "i" if most is None else f"least(i, {most})"
    sql = _DAY
    for usual, wide in _OWN.items():
        assert usual in sql
        sql = sql.replace(usual, wide.replace("{i}", own))
    sql = sql.replace("86400000000", str(hours * 3_600_000_000))
    start = (end - timedelta(hours=hours)).replace(tzinfo=None)
    values: dict[str, object] = {"first": 0, "last": requests, "n": requests, "start": start}
    with store.writing() as writing:
        for statement in filter(str.strip, sql.split(";\n")):
            writing.execute(statement, {name: each for name, each in values.items() if f"${name}" in statement})
