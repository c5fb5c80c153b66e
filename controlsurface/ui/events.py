"""What happened in a window, as marks on its charts."""

import polars as pl

from controlsurface.charts import Event
from controlsurface.ui.window import View

MOST = 8  # marks on one chart: more hide it, so the versions with most requests stay


def new_versions(rows: pl.DataFrame, view: View) -> list[Event]:
    """Router versions that came up after the window began, from requests by bucket and router_version."""
    known = rows.filter(pl.col("router_version").is_not_null() & (pl.col("n") > 0))
    first = known.group_by("router_version").agg(pl.col("bucket").min(), pl.col("n").sum())
    late = first.filter(pl.col("bucket") > view.start + view.step).sort("n", descending=True).head(MOST)
    return [Event(at, version) for version, at in late.select("router_version", "bucket").sort("bucket").iter_rows()]
