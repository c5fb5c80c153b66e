"""How long values of spans may be, and how many different ones a dimension may have on one day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from controlsurface.config.query_limits import OPEN_DIMENSIONS, OTHER_VALUE, LimitsConfig
from controlsurface.ingest.translate.vocabulary import TEXT_COLUMNS
from controlsurface.store.duckdb import WriteTransaction

OWNER_DIMENSIONS = ("tenant", "team", "job", "environment", "service")
ATTEMPT_DIMENSIONS = ("model", "provider", "error_type", "operation", "service_tier", "mode")
REQUEST_DIMENSIONS = tuple(name for name in OPEN_DIMENSIONS if name not in {"model", "operation", "service_tier"})

_SQL_FOLDER = Path(__file__).parent
_OVER_LIMIT_SQL = (
    (_SQL_FOLDER / "unseated.sql")
    .read_text("utf-8")
    .replace("$of_requests", ", ".join(REQUEST_DIMENSIONS))
    .replace("$of_attempts", ", ".join(ATTEMPT_DIMENSIONS))
    .replace("$of_owners", ", ".join(OWNER_DIMENSIONS))
    .replace("$dimensions", ", ".join(OPEN_DIMENSIONS))
)
_ADMIT = (_SQL_FOLDER / "admit.sql").read_text("utf-8")
_REPLACE = """
UPDATE {table} SET {name} = '{other}'
WHERE {name} IS NOT NULL AND {only}
    AND (CAST(started_at AS DATE), {name}) IN (SELECT (day, value) FROM over_values WHERE dimension = '{name}')
"""
_OF_BATCH = "started_at BETWEEN $low AND $high AND trace_id IN (SELECT trace_id FROM touched)"


@dataclass(frozen=True, slots=True)
class CardinalityLimiter:
    """A limit on the values in `new_requests` and `priced` (before they are stored) and in stored calls (after).

    `within` fills `$low` and `$high` in: from the first to the last start of rows that may change.
    """

    limits: LimitsConfig
    within: Callable[[str], str]

    def admit(self, writing: WriteTransaction, unseated_sql: Callable[[str], str]) -> Sequence[str]:
        """Replace what has no seat; the dimensions of which something was replaced. `unseated_sql` reads the spans."""
        unseated = writing.rows(unseated_sql(self.within(_OVER_LIMIT_SQL)))
        if not unseated.num_rows:
            return ()
        writing.attach("unseated", unseated)
        most = [self.limits.of(name) for name in OPEN_DIMENSIONS]
        writing.attach("value_limits", pa.table({"dimension": list(OPEN_DIMENSIONS), "most": most}))
        writing.execute(_ADMIT)
        over = writing.rows("SELECT DISTINCT dimension FROM over_values ORDER BY dimension")["dimension"].to_pylist()
        for table, columns in (("new_requests", REQUEST_DIMENSIONS), ("priced", ATTEMPT_DIMENSIONS)):
            for name in (name for name in over if name in columns):
                writing.execute(_REPLACE.format(table=table, name=name, other=OTHER_VALUE, only="TRUE"))
        return tuple(str(name) for name in over)

    def settle(self, writing: WriteTransaction, over: Sequence[str]) -> None:
        """Replace what stored calls of the batch have from their own spans."""
        for name in (name for name in over if name in OWNER_DIMENSIONS):
            replace = _REPLACE.format(table="attempts", name=name, other=OTHER_VALUE, only=_OF_BATCH)
            writing.execute(self.within(replace))


# Texts that tell rows apart or are compared: cut ones end in a hash of the whole, so different ones stay different.
IDENTIFIER_COLUMNS = frozenset("request_id link_id shadow_of response_id session_id user_id answer_label".split())
LIMITED_COLUMNS = (*TEXT_COLUMNS, "service")

# The bytes of the longest text in `batch`: one look, and for most batches all that is needed.
LONGEST_VALUE_SQL = f"coalesce(greatest({', '.join(f'max(strlen({name}))' for name in LIMITED_COLUMNS)}), 0)"
_CUT = ",\n    ".join(
    f"{name} = {'cut_identifier' if name in IDENTIFIER_COLUMNS else 'cut_value'}({name}, $most)"
    for name in LIMITED_COLUMNS
)
_COUNT = f"SELECT {' + '.join(f'count(*) FILTER (length({name}) > $most)' for name in LIMITED_COLUMNS)} AS n FROM batch"


def truncate_values(writing: WriteTransaction, most: int) -> int:
    """Cut the texts in `batch` to `most` characters; how many were longer."""
    found = int(writing.rows(_COUNT, {"most": most})["n"][0].as_py())
    if found:
        writing.execute(f"UPDATE batch SET\n    {_CUT}", {"most": most})
    return found
