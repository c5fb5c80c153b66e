"""Tabs of the page Cost: caches by layer, batch, what fills contexts and what that costs, and growth."""

from collections.abc import Mapping

import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.costs.switching_query import SwitchingCostQuery
from controlsurface.formatting import format_value
from controlsurface.money.switching_costs import SwitchingArgs
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.comparison import metric_value
from controlsurface.ui.data.metric_series import event_marks, metrics_as_series
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, palette
from controlsurface.ui.navigation.view_controls import zoomable_chart
from controlsurface.ui.view import MIN_SHARE_ROWS, DashboardView
from controlsurface.ui.widgets.data_table import breakdown_table, data_table
from controlsurface.ui.widgets.panels import panel
from controlsurface.ui.widgets.tile_row import Tile, metric_tiles

CACHE_KINDS = {
    "exact": "cache_hit_rate_exact",
    "semantic": "cache_hit_rate_semantic",
    "component": "cache_hit_rate_component",
}
CACHE_LAYER_LABELS = {
    "requests": "Requests",
    "cache_hit_rate": "Answered by a cache",
    "cache_layer_rate_exact": "Exact",
    "cache_layer_rate_semantic": "Semantic",
    "cache_layer_rate_component": "Component",
    "cache_layer_rate_embedding": "Embedding",
    "cache_layer_rate_selection": "Selection",
}
SWITCHING_COLUMNS = {
    "from_model": ("From", ""),
    "to_model": ("To", ""),
    "switches": ("Changes", "count"),
    "known": ("With an estimate", "count"),
    "cold_tokens": ("Cold tokens", "count"),
    "cost_usd": ("Cost", "usd"),
    "most_usd": ("at most", "usd"),
    "warm_share": ("Warm where it stays", "ratio"),
    "stays": ("... of calls", "count"),
}
CONTEXT_ORIGINS = {
    "system prompt": "context_system_tokens",
    "retrieved documents": "context_retrieved_tokens",
    "conversation": "context_history_tokens",
    "tools": "context_tools_tokens",
}


def cache_section(view: DashboardView) -> None:
    """The tab Caches."""
    metric_tiles(
        [
            Tile("cache_hit_rate", "Answered by a cache"),
            Tile("cache_saving", "Saved by answers"),
            Tile("prompt_cache_share", "Input from prompt caches"),
            Tile("prompt_cache_saving", "Saved by prompt caches"),
        ],
        view,
    )
    with panel("Answered by a cache over time", "share of requests, by kind of cache"):
        steady = view.coarsened_for(int(collector_queries.query_metric("requests")["n"].sum()))
        rows = metrics_as_series(CACHE_KINDS, steady)
        figure = charts.lines(rows, steady.span, palette(), by="kind", unit="ratio", events=event_marks(), height=240)
        zoomable_chart(figure, "caches", "Share of requests answered by each kind of cache", metric="cache_hit_rate")
    with panel(
        "Hits by layer", "share of requests in which a layer had something; a call may have answered all the same"
    ):
        breakdown_table(CACHE_LAYER_LABELS, ["task_type"], "cache-layers")
    with panel("Prompt caches by model", "input tokens that a provider read from its cache, by its price list"):
        columns = {
            "input_tokens": "Input tokens",
            "prompt_cache_share": "... from the cache",
            "prompt_cache_saving": "Saved",
            "attempts": "Calls",
        }
        breakdown_table(columns, ["model"], "prompt-caches", links=False)
    with panel("Changes of the model within sessions", "what a cold prompt cache cost, estimated; part of the cost"):
        _switching_table(view)


def _switching_table(view: DashboardView) -> None:
    """What each change cost, and what that rests on."""
    asked = SwitchingCostQuery(SwitchingArgs(**view.asked))
    rows = as_polars(collector_queries.fetch_cached(asked, view.refresh).rows)
    if rows.is_empty():
        states.empty_state("No session changed its model", "Calls say their session by session.id.")
        return
    units = {name: unit for name, (_, unit) in SWITCHING_COLUMNS.items() if unit}
    labels = {name: label for name, (label, _) in SWITCHING_COLUMNS.items()}
    data_table(rows.select([*SWITCHING_COLUMNS]), units, "switching", labels=labels, download=rows)


def batch_section(view: DashboardView) -> None:
    """The tab Batch."""
    metric_tiles(
        [
            Tile("batch_share", "Sent as batch"),
            Tile("batch_saving", "Saved by batch"),
            Tile("batch_discount", "Discount realised"),
            Tile("batchable_share", "Batchable, sent in real time"),
        ],
        view,
    )
    with panel("Jobs that could wait", "share of job requests, for which nobody waits, that were sent in real time"):
        columns = {"requests": "Requests", "batch_share": "Sent as batch", "batchable_share": "Batchable"}
        breakdown_table(columns, ["job"], "batch-by-job", links=False)
    with panel("Discount by model", "what batch calls cost less than in real time, by the price list"):
        columns = {"attempts": "Calls", "batch_discount": "Discount", "batch_saving": "Saved"}
        breakdown_table(columns, ["model"], "batch-by-model", links=False)


def context_section(view: DashboardView) -> None:
    """The tab Context and growth."""
    metric_tiles(
        [
            Tile("input_tokens_per_request", "Input tokens per request"),
            Tile("context_window_share", "Window filled, mean"),
            Tile("context_over_80", "Context > 80 % full"),
            Tile("output_tokens_per_request", "Output tokens per request"),
        ],
        view,
    )
    with panel("Context anatomy", "input tokens by origin, and input cost in proportion to them"):
        _anatomy()
    with panel("Windows by model", "how much of a model's context window its calls fill"):
        columns = {"attempts": "Calls", "context_window_share": "Filled, mean", "context_over_80": "> 80 % full"}
        breakdown_table(columns, ["model"], "context-by-model", links=False)
    with panel("Growth by task type", "of tokens per request, a day, as a share of their mean; 95 % intervals"):
        _growth()


def _anatomy() -> None:
    """Tokens and cost by origin; what no sender says is a row of its own."""
    names = (*CONTEXT_ORIGINS.values(), "input_tokens", "input_cost", "cached_input_cost")
    found = {name: metric_value(rows).value for name, rows in collector_queries.query_metrics(names).items()}
    rows = context_costs(found)
    if not any(found[name] for name in CONTEXT_ORIGINS.values()):
        states.empty_state(
            "No sender says what its input is made of",
            f"Attributes {html_tag('code', 'controlsurface.context.system')}, {html_tag('code', '.retrieved')}, "
            f"{html_tag('code', '.history')} and {html_tag('code', '.tools')} of model calls say it, in tokens.",
        )
        return
    data_table(
        rows,
        {"tokens": "tokens", "share": "ratio", "cost": "usd"},
        "context-anatomy",
        labels={"origin": "Origin", "tokens": "Input tokens", "share": "Share", "cost": "Input cost, in proportion"},
    )
    cost = format_value(float(rows["cost"].sum()), "usd")
    st.caption(
        f"Input cost {escape_markdown(cost)}, of calls that a price list priced, fresh and cached tokens alike: a "
        "system prompt that is cached costs less than its share here."
    )


def context_costs(found: Mapping[str, float | None]) -> pl.DataFrame:
    """Rows of origin, tokens, share and cost, by the window's sums of CONTEXT_ORIGINS, input tokens and input cost."""
    said = {origin: found[name] or 0.0 for origin, name in CONTEXT_ORIGINS.items()}
    whole = max(found["input_tokens"] or 0.0, sum(said.values()))
    tokens = {**said, "unattributed": whole - sum(said.values())}
    cost = (found["input_cost"] or 0.0) + (found["cached_input_cost"] or 0.0)
    rows = [
        {"origin": origin, "tokens": each, "share": each / whole if whole else None, "cost": cost * each / whole}
        for origin, each in tokens.items()
        if whole
    ]
    return pl.DataFrame(rows, {"origin": pl.String, "tokens": pl.Float64, "share": pl.Float64, "cost": pl.Float64})


def _growth() -> None:
    """The slopes of output and input tokens per request, with their intervals."""
    found = collector_queries.query_metrics(["output_growth", "input_growth"], by=["task_type"])
    output, more = (
        rows.select(
            "task_type",
            pl.col("n").alias(f"{kind}_n"),
            *(
                pl.when(pl.col("n") >= MIN_SHARE_ROWS).then(pl.col(name)).alias(f"{kind}_{name}")
                for name in ("value", "low", "high")
            ),
        )
        for kind, rows in (("output", found["output_growth"]), ("input", found["input_growth"]))
    )
    rows = output.join(more, on="task_type", how="full", coalesce=True, nulls_equal=True)
    ends = {f"{kind}_{name}": "ratio" for kind in ("output", "input") for name in ("value", "low", "high")}
    data_table(
        rows.sort("output_n", descending=True, nulls_last=True).select("task_type", "output_n", *ends),
        {"output_n": "count", **ends},
        "growth-by-task-type",
        labels={
            "output_n": "Requests",
            "output_value": "Output a day",
            "output_low": "from",
            "output_high": "to",
            "input_value": "Input a day",
            "input_low": "from ",
            "input_high": "to ",
        },
    )
