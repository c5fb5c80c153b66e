"""The imported bills of a window against our estimates, as a query."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from controlsurface.client.arrow_tables import (
    COUNT,
    MAYBE_TEXT,
    NUMBER,
    SHARE,
    TEXT,
    as_dicts,
    column,
    columns,
    list_of,
    one_of,
)
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, ResultFact, StoreSession
from controlsurface.export.reconciliation.bill_comparison import (
    ZERO,
    BilledDay,
    EstimatedDay,
    ReconciledDay,
    Tolerance,
    coverage,
    reconcile,
)
from controlsurface.export.reconciliation.bill_line import provider_key
from controlsurface.query.arguments import FilteredRange, TimeRange
from controlsurface.query.statement import Statement, bounded, row_limit, window_conditions

# Lines in force: of bills that are complete, and of two with the same provider, account and day of the later one.
_SELECT_LINES = """
WITH complete AS (
    SELECT bill, account, max(imported_at) AS imported_at FROM bill_lines
    GROUP BY bill, account HAVING count(DISTINCT part) = max(parts)
),
ranked AS (
    SELECT l.*,
        dense_rank() OVER (PARTITION BY l.provider, l.account, l.day ORDER BY c.imported_at DESC, l.bill) AS place
    FROM bill_lines AS l JOIN complete AS c USING (bill, account)
)
SELECT day, provider, lower(model_name(model)) AS model, kind, sum(amount_usd) AS amount_usd,
    sum(input_tokens)::BIGINT AS input_tokens, sum(cached_tokens)::BIGINT AS cached_tokens,
    sum(output_tokens)::BIGINT AS output_tokens, list(DISTINCT service_tier) AS tiers, list(DISTINCT region) AS regions,
    min(note) AS note
FROM ranked
WHERE place = 1 AND ($first IS NULL OR day >= $first) AND ($last IS NULL OR day < $last)
GROUP BY day, provider, 3, kind, CASE WHEN kind <> 'usage' THEN note END
ORDER BY ALL"""
_DAY, _USD = column(pa.string(), format="date"), column(pa.float64(), nullable=True)


class ReconciliationArgs(TimeRange):
    """Which days, and how close is the same."""

    tolerance: float = Field(0.01, ge=0, le=1, description="share by which two sums may be apart and still match")
    tolerance_usd: float = Field(0.01, ge=0, le=1_000_000, description="US dollars that they may be apart in any case")


class ReconciliationResult(Result):
    """Rows by day, provider and model; beside them sums, and which share of the bills the estimates account for."""

    coverage = ResultFact[float | None]()
    matched_share = ResultFact[float | None]()


@dataclass(frozen=True, slots=True)
class ReconciliationQuery(Query[ReconciliationResult]):
    """Bills against estimates: day, provider, model, status, theirs_usd, ours_usd, difference_usd, reasons."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/reconciliation",
        "reconciliation",
        "Imported bills of providers against our estimates, by day and model, with the likely reason of differences",
        columns(
            day=_DAY,
            provider=TEXT,
            model=MAYBE_TEXT,
            kind=one_of("usage", "credit", "tax", "other"),
            status=one_of("matched", "different", "theirs_only", "ours_only"),
            theirs_usd=_USD,
            ours_usd=_USD,
            difference_usd=NUMBER,
            reasons=list_of(TEXT),
            note=MAYBE_TEXT,
            calls=NUMBER,
            unpriced=NUMBER,
        ),
        columns(coverage=SHARE, matched_share=SHARE, theirs_usd=_USD, ours_usd=_USD, billed_days=COUNT),
    )
    result: ClassVar = ReconciliationResult
    arguments: ReconciliationArgs

    def run(self, session: StoreSession) -> ReconciliationResult:
        """From the store."""
        lines = as_dicts(session.state(_SELECT_LINES, _days(self.arguments)))
        billed = [_billed(line) for line in lines]
        estimated = _estimates(session, billed)
        close = Tolerance(_decimal(self.arguments.tolerance), _decimal(self.arguments.tolerance_usd))
        rows = reconcile(_merged(billed), estimated, close)
        return ReconciliationResult(bounded(_table(rows)), _facts(rows))


def _days(args: ReconciliationArgs) -> dict[str, date | None]:
    """Whole days, those included of which a part is asked for."""
    after = args.end and (args.end - timedelta(microseconds=1)).date() + timedelta(days=1)
    return {"first": args.start and args.start.date(), "last": after}


def _billed(line: Mapping[str, Any]) -> BilledDay:
    """A line under the provider's one name."""
    found = {name: frozenset(each for each in line[name] if each) for name in ("tiers", "regions")}
    return BilledDay(**{**line, **found, "provider": provider_key(line["provider"]) or line["provider"].lower()})


def _merged(billed: Iterable[BilledDay]) -> list[BilledDay]:
    """Usage of one day and model together, however its provider is written in several accounts."""
    usage: dict[tuple[date, str, str | None], BilledDay] = {}
    others = []
    for each in billed:
        key = (each.day, each.provider, each.model)
        if each.kind != "usage":
            others.append(each)
        else:
            usage[key] = _sum(usage[key], each) if key in usage else each
    return [*usage.values(), *others]


def _sum(one: BilledDay, other: BilledDay) -> BilledDay:
    tokens = {
        name: None
        if getattr(one, name) is None is getattr(other, name)
        else (getattr(one, name) or 0) + (getattr(other, name) or 0)
        for name in ("input_tokens", "cached_tokens", "output_tokens")
    }
    together = {"tiers": one.tiers | other.tiers, "regions": one.regions | other.regions}
    return BilledDay(**asdict(one) | tokens | together | {"amount_usd": one.amount_usd + other.amount_usd})


def _estimates(session: StoreSession, billed: list[BilledDay]) -> list[EstimatedDay]:
    """Our side of the days that bills have."""
    if not billed:
        return []
    first, last = min(each.day for each in billed), max(each.day for each in billed)
    statement = render_estimates(first, last)
    rows = as_dicts(statement.bounded(session.rows(statement)))
    return [
        EstimatedDay(
            **{
                **row,
                "provider": provider_key(row["provider"]),
                "tiers": frozenset(each for each in row["tiers"] if each),
            }
        )
        for row in rows
    ]


def render_estimates(first: date, last: date) -> Statement:
    """The statement whose rows are the calls of each day, provider and model: money, counts and tokens."""
    window = FilteredRange.model_validate({"start": f"{first}", "end": f"{last}"})
    found, parameters = window_conditions("attempts", window)
    found = [each.replace("< $end", "< $end + INTERVAL 1 DAY") for each in found]
    weight = "CAST(r.sample_weight AS DECIMAL(18, 6))"
    blind = "r.billable AND r.input_tokens IS NULL AND r.output_tokens IS NULL"
    sums = {
        "cost_usd": f"sum({weight} * r.cost_usd)",
        "calls": f"sum(CASE WHEN r.billable THEN {weight} ELSE 0 END)",
        "unpriced": f"sum(CASE WHEN r.billable AND r.cost_usd IS NULL THEN {weight} ELSE 0 END)",
        "without_usage": f"sum(CASE WHEN {blind} THEN {weight} ELSE 0 END)",
        "streams_without_usage": f"sum(CASE WHEN {blind} AND r.streamed THEN {weight} ELSE 0 END)",
        **{
            name: f"coalesce(sum({weight} * r.{name}), 0)::BIGINT"
            for name in ("input_tokens", "cached_tokens", "output_tokens")
        },
        "tiers": "list(DISTINCT CASE WHEN r.mode = 'batch' THEN 'batch' ELSE r.service_tier END)",
    }
    listed = ",\n    ".join(f"{sql} AS {name}" for name, sql in sums.items())
    sql = (
        f"SELECT\n    CAST(r.started_at AS DATE) AS day,\n    r.provider,\n    lower(r.model) AS model,\n    {listed}\n"
        f"FROM attempts AS r\nWHERE {' AND '.join(found)}\nGROUP BY 1, 2, 3\nORDER BY 1, 2 NULLS LAST, 3 NULLS LAST\n"
        "LIMIT $row_limit"
    )
    return Statement(sql, parameters | row_limit(), "attribution.reconcile")


def _table(rows: Iterable[ReconciledDay]) -> pa.Table:
    money = pa.decimal128(38, 18)
    kinds: dict[str, pa.DataType] = {
        "day": pa.string(),
        "provider": pa.string(),
        "model": pa.string(),
        "kind": pa.string(),
        "status": pa.string(),
        "theirs_usd": money,
        "ours_usd": money,
        "difference_usd": money,
        "reasons": pa.list_(pa.string()),
        "note": pa.string(),
        **dict.fromkeys(("calls", "unpriced"), pa.decimal128(38, 6)),
    }
    return pa.Table.from_pylist([asdict(row) | {"day": f"{row.day}"} for row in rows], pa.schema([*kinds.items()]))


def _facts(rows: list[ReconciledDay]) -> dict[str, Any]:
    """Sums of all rows; shares are of the bills' usage, and unknown where there is none."""
    usage = [row for row in rows if row.kind == "usage" and (row.theirs_usd or ZERO) > 0]
    theirs = sum((row.theirs_usd or ZERO for row in usage), ZERO)
    matched = sum((row.theirs_usd or ZERO for row in usage if row.status == "matched"), ZERO)
    return {
        "coverage": coverage(rows),
        "matched_share": float(matched / theirs) if theirs else None,
        "theirs_usd": _total(row.theirs_usd for row in rows),
        "ours_usd": _total(row.ours_usd for row in rows),
        "billed_days": len({row.day for row in rows}),
    }


def _total(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, ZERO) if known else None


def _decimal(value: float) -> Decimal:
    return Decimal(str(value))
