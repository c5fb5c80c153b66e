"""Lanes where the configuration names none: the models seen are kept, and moved together when one more is met."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from glob import escape

import pyarrow as pa

from controlsurface.config import LaneConfig
from controlsurface.ingest.derive import insert_prices, lane_macros
from controlsurface.lanes.price_inference import SeenModel, blended_price, infer_lanes, inferred_lanes_text
from controlsurface.metrics.queries.event_query import ChangeEvent, insert_event
from controlsurface.money.price_resolver import PriceResolver
from controlsurface.money.price_table import PriceKey
from controlsurface.store.duckdb import DuckStore, WriteTransaction

MAX_EVENT_CHARACTERS = 1000  # characters of an event's sentence

# Of the calls of a batch those whose lane nobody says; the derivation has left them in new_attempts.
_MET = """
SELECT provider, model, counted FROM (
    SELECT provider, model_raw AS model,
        bool_or(purpose IN ('user', 'shadow') AND coalesce(operation, 'chat') IN ('chat', 'completion')) AS counted,
        count(*) AS n
    FROM new_attempts WHERE lane_open AND model_raw IS NOT NULL GROUP BY ALL
) AS met
WHERE NOT EXISTS (
    SELECT 1 FROM assumed_lanes AS known
    WHERE known.model = met.model AND known.provider IS NOT DISTINCT FROM met.provider AND known.counted >= met.counted
)
QUALIFY row_number() OVER (ORDER BY n DESC, model, provider) + (SELECT count(*) FROM assumed_lanes) <= $most
"""
# Spans of a store that has had other lanes until now, or of none: as near to the above as single spans can say.
_STORED = """
SELECT provider, model, bool_or(coalesce(purpose, 'user') IN ('user', 'shadow')) AS counted
FROM spans WHERE model IS NOT NULL AND lane IS NULL AND (input_tokens IS NOT NULL OR is_call) GROUP BY ALL
"""
_KEEP = """
MERGE INTO assumed_lanes AS known USING newly_met AS met
ON known.model = met.model AND known.provider IS NOT DISTINCT FROM met.provider
WHEN MATCHED THEN UPDATE SET counted = known.counted OR met.counted
WHEN NOT MATCHED THEN INSERT (provider, model, name, counted)
    VALUES (met.provider, met.model, lower(model_name(met.model)), met.counted)
"""
_UNPRICED = """
SELECT provider, model FROM assumed_lanes AS known
WHERE NOT EXISTS (
    SELECT 1 FROM prices
    WHERE prices.edition = $edition AND prices.model = known.model AND prices.service_tier IS NULL
        AND prices.provider IS NOT DISTINCT FROM known.provider
)
"""
# The price that holds last, of short calls in real time; the user's own before the library's.
_SEEN = """
SELECT a.provider, a.model, a.name, a.counted, a.lane,
    arg_min(p.input_usd_per_mtok, rank) AS usd_in, arg_min(p.output_usd_per_mtok, rank) AS usd_out
FROM assumed_lanes AS a
LEFT JOIN (
    SELECT
        * REPLACE (
            if(currency IS NULL, input_usd_per_mtok, input_usd_per_mtok * usd_rate) AS input_usd_per_mtok,
            if(currency IS NULL, output_usd_per_mtok, output_usd_per_mtok * usd_rate) AS output_usd_per_mtok
        ),
        (service_tier IS NOT NULL, source <> 'user', tier_from, input_usd_per_mtok, output_usd_per_mtok) AS rank
    FROM prices_in_force WHERE valid_to IS NULL AND mode IS DISTINCT FROM 'batch'
) AS p ON p.model = a.model AND p.provider IS NOT DISTINCT FROM a.provider
GROUP BY a.provider, a.model, a.name, a.counted, a.lane
"""
_PLACE = """
UPDATE assumed_lanes SET usd_per_mtok = placed.usd, lane = placed.lane
FROM newly_placed AS placed
WHERE placed.model = assumed_lanes.model AND placed.provider IS NOT DISTINCT FROM assumed_lanes.provider
"""
_LANES = "SELECT DISTINCT name, lane FROM assumed_lanes ORDER BY name"
_FORGET = "DELETE FROM relaning WHERE model = $model"
_REMEMBER = 'INSERT INTO relaning (model, "until") VALUES ($model, $until)'
_NEWEST = datetime(2270, 1, 1, tzinfo=UTC)


def begin_lane_inference(writing: WriteTransaction, lanes: dict[str, LaneConfig], prices: PriceResolver) -> None:
    """Put assumed lanes in force at a start: with the prices of now, for the models seen so far."""
    if not writing.rows("SELECT 1 FROM assumed_lanes LIMIT 1").num_rows:
        _keep(writing, writing.rows(_STORED))
    edition = prices.edition.fingerprint
    pairs = writing.rows(_UNPRICED, {"edition": edition}).to_pylist()
    insert_prices(writing, prices.of(PriceKey(**pair, edition=edition) for pair in pairs))
    if not _placed(writing, lanes):
        install_lane_macros(writing, lanes)


def infer_batch_lanes(writing: WriteTransaction, lanes: dict[str, LaneConfig], most: int) -> bool:
    """Look at the models of the calls that were just derived; whether lanes have changed, so that they derive anew.

    All are placed together each time, so no more than `most` are.
    """
    met = writing.rows(_MET, {"most": most})
    if not met.num_rows:
        return False
    _keep(writing, met)
    return _placed(writing, lanes)


def end_lane_inference(writing: WriteTransaction) -> None:
    """The configuration names lanes now: what was assumed is forgotten, and stored calls follow the configuration."""
    mark_for_reassignment(writing, (row["name"] for row in writing.rows(_LANES).to_pylist()))
    writing.execute("DELETE FROM assumed_lanes")


def install_lane_macros(writing: WriteTransaction, lanes: dict[str, LaneConfig]) -> None:
    """The lanes as the derivation asks for them."""
    writing.define_functions(lane_macros(lanes, {name: lane for name, lane in _now(writing).items() if lane}))


def lanes_with_inferred_models(lanes: Mapping[str, LaneConfig], store: DuckStore) -> dict[str, LaneConfig]:
    """The lanes with the models that they are assumed to hold."""
    rows = store.state(_LANES).to_pylist()
    mine = {name: tuple(escape(row["name"]) for row in rows if row["lane"] == name) for name in lanes}
    return {name: lane.model_copy(update={"models": mine[name]}) for name, lane in lanes.items()}


def _now(writing: WriteTransaction) -> dict[str, str | None]:
    return {row["name"]: row["lane"] for row in writing.rows(_LANES).to_pylist()}


def _keep(writing: WriteTransaction, met: pa.Table) -> None:
    writing.attach("newly_met", met)
    writing.execute(_KEEP)


def _placed(writing: WriteTransaction, lanes: dict[str, LaneConfig]) -> bool:
    """Place all models anew; stored calls of those that move follow. Whether any moved."""
    before = _now(writing)
    table = writing.rows(_SEEN)
    seen = table.to_pylist()
    prices = [blended_price(row["usd_in"], row["usd_out"]) for row in seen]
    after = infer_lanes(SeenModel(row["name"], usd, row["counted"]) for row, usd in zip(seen, prices, strict=True))
    lane = pa.array([after[row["name"]] for row in seen], pa.string())
    usd = pa.array(prices, pa.decimal128(18, 12))
    writing.attach(
        "newly_placed", table.select(["provider", "model"]).append_column("usd", usd).append_column("lane", lane)
    )
    writing.execute(_PLACE)
    moved = [name for name, lane in after.items() if before.get(name) != lane]
    if moved:
        install_lane_macros(writing, lanes)
        mark_for_reassignment(writing, moved)
        _tell(writing, after)
    return bool(moved)


def mark_for_reassignment(writing: WriteTransaction, names: Iterable[str]) -> None:
    """Remember that stored calls of these models are to be derived anew."""
    for name in names:
        writing.execute(_FORGET, {"model": name})
        writing.execute(_REMEMBER, {"model": name, "until": _NEWEST})


def _tell(writing: WriteTransaction, lanes: Mapping[str, str | None]) -> None:
    """The change as the charts show it."""
    text = inferred_lanes_text(lanes)
    title, detail = f"lanes assumed: now {text}"[:200], f"By list price, until [lanes] names them: {text}"
    cut, now = detail[:MAX_EVENT_CHARACTERS], datetime.now(UTC)
    event = ChangeEvent(at=now, kind="config", title=title, detail=cut, source="controlsurface")
    writing.execute(*insert_event(event))
