"""Tables of figures: columns that know their unit, links to the requests behind a row, ranks, and the rows as CSV."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial, reduce
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.export.table_formats import as_csv
from controlsurface.formatting import UNKNOWN, format_difference, format_value
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.metric_series import ALL_LANES_LABEL
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import escape_markdown
from controlsurface.ui.elements.page_links import page_url
from controlsurface.ui.view import FILTER_LABELS, MIN_SHARE_ROWS, UNKNOWN_VALUE_LABEL, DashboardView


def csv_button(rows: pl.DataFrame, name: str, key: str = "") -> None:
    """A button that downloads rows with all their digits; the file is made when it is asked for."""
    st.download_button(
        "CSV",
        lambda: as_csv(rows.to_arrow()),
        f"{name}.csv",
        "text/csv",
        key=f"csv {key or name}",
        icon=":material/download:",
        on_click="ignore",
    )


def ranking_table(rows: pl.DataFrame, by: str, label: str) -> object:
    """Draw rows of side_by_side, highest first; the chosen row's value of `by`, or `...` where none is chosen."""
    ranked = rank_rows(rows)
    names = ranked[by].to_list()
    event: Any = st.dataframe(
        ranked.select(
            pl.col(by).fill_null("unknown"),
            pl.col("value") * 100,
            pl.col("delta") * 100,
            "n",
        ).to_arrow(),
        column_config={
            by: st.column_config.TextColumn(label, width=110),
            "value": st.column_config.ProgressColumn("Rate", format="%.1f %%", min_value=0, max_value=100, width=110),
            "delta": st.column_config.NumberColumn("vs last week", format="%+.1f pp", width=90),
            "n": st.column_config.NumberColumn("n", format="localized", width=60),
        },
        hide_index=True,
        key=f"ranking {by} {hash(tuple(names))}",  # another order is another table: a selection is a position
        on_select="rerun",
        selection_mode="single-row",
        placeholder="too few",
        alt=f"{label}s ranked",
    )
    chosen = event["selection"]["rows"]
    return names[chosen[0]] if chosen else ...


def rank_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, highest first; a value that rests on too few is unknown, and so last."""
    known = pl.when(pl.col("n") >= MIN_SHARE_ROWS).then(pl.col("value"))
    return rows.with_columns(known.alias("value")).sort("value", descending=True, nulls_last=True)


def largest_mover(rows: pl.DataFrame, by: str) -> tuple[object, bool, str]:
    """The value of `by` that moved the whole most, or the highest where none moved; whether it moved; words for it."""
    moved = rows.filter("moved").sort(pl.col("delta").abs() * pl.col("n"), descending=True)
    if moved.height:
        row = moved.row(0, named=True)
        return (
            row[by],
            True,
            f"{row[by] or 'unknown'} moved {format_difference(row['delta'], 'ratio')} against last week",
        )
    ranked = rank_rows(rows).drop_nulls("value")
    if not ranked.height:
        return ..., False, ""
    return ranked.item(0, by), False, f"{ranked.item(0, by) or 'unknown'} is highest; none moved against last week"


ROW_HEIGHT_PX, MAX_VISIBLE_ROWS = 31, 15  # pixels of a row, and rows seen at once
NUMBER_FORMATS = {"index": "%.2f", "ratio": "%.1f %%", "count": "localized", "tokens": "localized"}
MIN_MS_IN_SECONDS = 10  # of the smallest value of a column that is in seconds: less would be 0.004 s
TIME_FORMAT = "MMM DD HH:mm:ss"


def breakdown_table(
    metrics: Mapping[str, str],
    by: Sequence[str],
    name: str,
    *,
    within: DashboardView | None = None,
    every: timedelta | None = None,
    links: bool = True,
) -> pl.DataFrame:
    """Metrics (id: label) side by side for each value of `by`, the most of the first one on top; the rows, as read.

    Of shares, means and quantiles of fewer than MIN_SHARE_ROWS rows only the CSV tells; it has n and intervals too.
    """
    known = collector_queries.fetch_catalog()
    rows = join_metrics(metrics, by, within=within, every=every).sort(
        next(iter(metrics)), descending=True, nulls_last=True
    )
    shown = rows.select(*by, *(pl.col(each) if known[each].kind == "sum" else _enough(each) for each in metrics))
    if links and len(by) == 1 and by[0] in FILTER_LABELS:
        shown = shown.with_columns(
            pl.col(by[0]).map_elements(_address(by[0]), pl.String, skip_nulls=False).alias("open")
        )
    data_table(
        shown,
        {each: "index" if each == "threshold" else known[each].unit for each in metrics},
        name,
        labels=metrics,
        helps={each: known[each].help for each in metrics},
        download=rows,
    )
    if any(shown[each].null_count() > rows[each].null_count() for each in metrics):
        st.caption(f"– fewer than {MIN_SHARE_ROWS:,} rows are too few to be shown.")
    return rows


def lane_and_total_table(metrics: Mapping[str, str], name: str) -> None:
    """Metrics (id: label) of each lane, and first of all lanes together."""
    known = collector_queries.fetch_catalog()
    together = join_metrics(metrics, []).with_columns(lane=pl.lit(ALL_LANES_LABEL))
    rows = pl.concat([together, join_metrics(metrics, ["lane"])], how="diagonal_relaxed")
    shown = (pl.col(each) if known[each].kind == "sum" else _enough(each) for each in metrics)
    data_table(
        rows.select("lane", *shown), {each: known[each].unit for each in metrics}, name, labels=metrics, download=rows
    )


def join_metrics(
    metrics: Iterable[str], by: Sequence[str], *, within: DashboardView | None = None, every: timedelta | None = None
) -> pl.DataFrame:
    """Metrics as columns: `by`, and for each metric its value and `METRIC_n`, `_low`, `_high`, `_priced_share`."""
    keys = [*(["bucket"] if every else []), *by]
    found = collector_queries.query_metrics(metrics, by=by, every=every, within=within)
    parts = [_columns(rows, name, keys) for name, rows in found.items()]
    if not keys:
        return pl.concat(parts, how="horizontal")
    return reduce(lambda one, other: one.join(other, on=keys, how="full", coalesce=True, nulls_equal=True), parts)


def data_table(
    rows: pl.DataFrame,
    units: Mapping[str, str],
    name: str,
    *,
    labels: Mapping[str, str] | None = None,
    helps: Mapping[str, str] | None = None,
    download: pl.DataFrame | None = None,
    widths: Mapping[str, int] | None = None,
) -> None:
    """Draw rows, and under them the CSV button.

    `units` says what a column of numbers is in, `widths` are pixels, `open` is a column of links.
    """
    said = dict(labels or {})
    config = {each: _column(rows, each, units, said.get(each), (helps or {}).get(each)) for each in rows.columns}
    for each, width in (widths or {}).items():
        config[each]["width"] = width
    height = ROW_HEIGHT_PX * (min(MAX_VISIBLE_ROWS, max(rows.height, 1)) + 1) + 3
    st.dataframe(
        displayed_rows(rows, units), column_config=config, hide_index=True, height=height, placeholder="–", alt=name
    )
    csv_button(rows if download is None else download, name)


def _percent(name: str) -> pl.Expr:
    """A share in percent, to the digit that is shown; what is left of a little less than nothing is 0, not -0."""
    found = (pl.col(name).cast(pl.Float64) * 100).round(1)
    return pl.when(found == 0).then(pl.lit(0.0)).otherwise(found).alias(name)


def _column(rows: pl.DataFrame, name: str, units: Mapping[str, str], label: str | None, said: str | None) -> Any:
    """How Streamlit draws a column."""
    label = label or name.replace("_", " ").capitalize()
    if name == "open":
        return st.column_config.LinkColumn("Open", display_text="requests", width=80)
    if name in units:
        form = _number_format(rows[name], units[name])
        return st.column_config.NumberColumn(label, format=form, help=said and escape_markdown(said))
    if rows[name].dtype.is_temporal():
        return time_column(label)
    return st.column_config.TextColumn(label, help=said and escape_markdown(said))


def time_column(label: str, **more: Any) -> Any:
    """A column of times in the zone of the page."""
    zone = time_zone.zone_label()
    return st.column_config.DatetimeColumn(
        f"{label} ({zone})", **{"format": TIME_FORMAT, "timezone": zone.removeprefix("UTC") or zone, **more}
    )


def _number_format(values: pl.Series, unit: str) -> str | None:
    """How the numbers of a column are written; None where we write them."""
    if _is_written_here(values, unit):
        return None
    if unit == "ms":
        return "%.3g s" if _size(values, unit) > 1 else "%.3g ms"
    return NUMBER_FORMATS.get(unit) or _money(values)


def _size(values: pl.Series, unit: str) -> float:
    """What a column is divided by: durations are in seconds where the longest is one or more."""
    in_seconds = unit == "ms" and not _is_written_here(values, unit)
    return 1000 if in_seconds and _most(values) >= 1000 else 1


def _most(values: pl.Series) -> float:
    """The largest size of a number; 0 where there is none."""
    return float(values.cast(pl.Float64).abs().max() or 0)  # type: ignore[arg-type]


def _is_written_here(values: pl.Series, unit: str) -> bool:
    """Whether no one format of the browser does for the column.

    It would say $-3 and not -$3, and 0.004 s beside 26 s where 4 ms is meant.
    """
    if unit == "usd":
        return bool((values.cast(pl.Float64) < 0).any())
    if unit != "ms":
        return False
    sizes = values.cast(pl.Float64).abs()
    return _most(values) >= 1000 and bool(sizes.is_between(0, MIN_MS_IN_SECONDS, closed="none").any())


def displayed_rows(rows: pl.DataFrame, units: Mapping[str, str]) -> Any:
    """The rows as they are shown: as Arrow, which Streamlit passes on as it is; it takes anything else through pandas.

    Shares are in percent, durations in the unit of `_size`, and unknown texts say so.
    """
    shown = rows.with_columns(
        *(_percent(each) for each, unit in units.items() if unit == "ratio"),
        *(pl.col(each).cast(pl.Float64) / _size(rows[each], unit) for each, unit in units.items() if unit != "ratio"),
        *(pl.col(each).fill_null("unknown") for each in rows.columns if rows[each].dtype == pl.String),
    )
    ours = [name for name, unit in units.items() if _is_written_here(rows[name], unit)]
    if not ours:
        return shown.to_arrow()
    written = {name: partial(format_value, unit=units[name]) for name in ours}
    return shown.to_pandas().style.format(written, na_rep=UNKNOWN)


def _money(values: pl.Series) -> str:
    """As many decimals as the largest amount leaves of interest."""
    largest = _most(values)
    return f"$%,.{2 if largest >= 10 else 4 if largest >= 0.1 else 6}f"


def _columns(rows: pl.DataFrame, metric: str, keys: Sequence[str]) -> pl.DataFrame:
    """A metric's rows under its own name."""
    beside = [each for each in ("n", "low", "high", "priced_share") if each in rows.columns]
    return rows.select(*keys, pl.col("value").alias(metric), pl.col(beside).name.prefix(f"{metric}_"))


def _enough(metric: str) -> pl.Expr:
    return pl.when(pl.col(f"{metric}_n") >= MIN_SHARE_ROWS).then(pl.col(metric)).alias(metric)


def _address(dimension: str) -> Any:
    """From a value to the address of its requests, in the window and under the filters of now."""
    return lambda value: page_url("traces", {dimension: UNKNOWN_VALUE_LABEL if value is None else value})
