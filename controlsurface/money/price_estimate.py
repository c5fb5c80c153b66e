"""What calls that nobody has made yet would cost: priced as stored calls are, by the same statement."""

from contextlib import closing
from datetime import UTC, datetime

import polars as pl

from controlsurface.money.price_edition import PriceEdition
from controlsurface.money.price_resolver import PriceResolver
from controlsurface.money.price_table import PRICE_ATTEMPTS_SQL, PriceKey
from controlsurface.store.duckdb import DuckStore

_CALLS_SQL = """
SELECT attempt_id, started_at, duration_ms, model_raw, model, provider, mode, service_tier, token_counting,
    price_edition, failed, span_cost_usd, input_tokens, cached_tokens, cache_write_tokens, cache_write_1h_tokens,
    audio_input_tokens, cached_audio_tokens, image_input_tokens, output_tokens, reasoning_tokens, audio_output_tokens,
    image_output_tokens, web_searches
FROM attempts WHERE FALSE
UNION ALL BY NAME
SELECT lpad(row::VARCHAR, 12, '0') AS attempt_id, model AS model_raw, * EXCLUDE (row, model), $edition AS price_edition,
    $at::TIMESTAMP AS started_at
FROM estimated_calls
"""


def estimate_costs(calls: pl.DataFrame, edition: PriceEdition, at: datetime) -> pl.Series:
    """USD of each call, null without a price, if it were made at `at`.

    `calls`: `model`, and of the columns of attempts `provider`, `input_tokens`, `output_tokens`, `duration_ms`, ...
    """
    resolver = PriceResolver(edition, calls.height)
    with closing(DuckStore.in_memory()) as store, store.writing() as writing:
        resolver.install(writing)
        writing.attach("estimated_calls", calls.with_row_index("row").to_arrow())
        moment = at.astimezone(UTC).replace(tzinfo=None)
        writing.materialize("new_attempts", _CALLS_SQL, {"edition": edition.fingerprint, "at": moment})
        keys = writing.rows(
            "SELECT DISTINCT provider, model_raw, service_tier, price_edition FROM new_attempts"
        ).to_pylist()
        writing.attach("resolved", resolver.of(PriceKey(*key.values()) for key in keys))
        writing.execute("INSERT INTO prices BY NAME SELECT * FROM resolved")
        found = writing.rows(f"SELECT cost_usd FROM ({PRICE_ATTEMPTS_SQL}) ORDER BY attempt_id")
    return pl.Series("cost_usd", found["cost_usd"])
