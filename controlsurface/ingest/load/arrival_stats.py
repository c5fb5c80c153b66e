"""What came in each minute, and what became of it: the receivers' counters over time."""

from controlsurface.store.duckdb import WriteTransaction

_COUNTS = "spans unrecognised late lag_ms aged age_ms duplicate expired rejected refused".split()
_NOW = "CAST(now() AS TIMESTAMP)"
# Whose clock runs ahead of ours has sent it just now. A service over the limit of its day has no line of its own.
_BATCH = f"""
SELECT
    date_trunc('minute', received_at) AS started_at,
    if(service IS NULL OR seat.value IS NOT NULL, service, '(other)') AS service,
    count(*) AS spans,
    count(*) FILTER (WHERE vocabularies IS NULL) AS unrecognised,
    count(*) FILTER (WHERE trace_id IN (SELECT trace_id FROM older)) AS late,
    sum(greatest(epoch_ms({_NOW}) - epoch_ms(received_at), 0)) AS lag_ms,
    count(duration_ms) AS aged,
    coalesce(sum(greatest(epoch_ms({_NOW}) - epoch_ms(started_at) - duration_ms, 0)), 0) AS age_ms,
    0 AS duplicate, 0 AS expired, 0 AS rejected, 0 AS refused
FROM batch
LEFT JOIN dimension_values AS seat
    ON seat.dimension = 'service' AND seat.day = CAST(batch.started_at AS DATE) AND seat.value = batch.service
GROUP BY ALL
"""
_LEFT_OUT = f"""
SELECT
    date_trunc('minute', {_NOW}) AS started_at, CAST(NULL AS VARCHAR) AS service,
    0 AS spans, 0 AS unrecognised, 0 AS late, 0 AS lag_ms, 0 AS aged, 0 AS age_ms,
    CAST($duplicate AS BIGINT) AS duplicate, CAST($expired AS BIGINT) AS expired,
    CAST($rejected AS BIGINT) AS rejected, CAST($refused AS BIGINT) AS refused
"""
_ADD = f"""
MERGE INTO arrivals AS known USING ({{come}}) AS come
ON known.started_at = come.started_at AND known.service IS NOT DISTINCT FROM come.service
WHEN MATCHED THEN UPDATE SET {", ".join(f"{name} = known.{name} + come.{name}" for name in _COUNTS)}
WHEN NOT MATCHED THEN INSERT BY NAME
"""


def count_batch_arrivals(writing: WriteTransaction) -> None:
    """Add what is in `batch`; `older` tells what of it came late."""
    writing.execute(_ADD.format(come=_BATCH))


def count_unstored_arrivals(
    writing: WriteTransaction, duplicate: int, expired: int, rejected: int, refused: int
) -> None:
    """Add what did not become rows. Nobody looked whose it was."""
    counts = {"duplicate": duplicate, "expired": expired, "rejected": rejected, "refused": refused}
    if any(counts.values()):
        writing.execute(_ADD.format(come=_LEFT_OUT), counts)
