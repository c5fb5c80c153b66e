"""A policy before it is saved: what it would change in a week, what differs from the one in force, and its texts."""

from collections.abc import Mapping
from datetime import timedelta
from difflib import unified_diff
from typing import Any

import orjson
import polars as pl
import streamlit as st

from controlsurface.audit.policy import Policy
from controlsurface.audit.policy.litellm import ProxyModels, litellm_config, write_yaml
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.lane_queries import LanesQuery
from controlsurface.config import LaneConfig
from controlsurface.errors import ControlSurfaceError
from controlsurface.ui.audits import threshold_simulator
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import escape_markdown
from controlsurface.ui.view import MIN_SHARE_ROWS, DashboardView
from controlsurface.ui.widgets.data_table import data_table

WEEK = timedelta(days=7)
_UNITS = {
    **dict.fromkeys(("threshold_now", "threshold"), "index"),
    **dict.fromkeys(("requests", "escalated_now", "escalated"), "count"),
    **dict.fromkeys(("cost_now", "cost", "cost_low", "cost_high"), "usd"),
    **dict.fromkeys(("quality_now", "quality", "quality_low", "quality_high"), "ratio"),
}
_LABELS = {
    "slice": "Task type",
    "threshold_now": "Threshold now",
    "threshold": "new",
    "requests": "Requests a week",
    "escalated_now": "Escalated now",
    "escalated": "new ",
    "cost_now": "Cost now",
    "cost": "new  ",
    "cost_low": "from",
    "cost_high": "to",
    "quality_now": "Quality now",
    "quality": "new   ",
    "quality_low": "from ",
    "quality_high": "to ",
}


def policy_preview(view: DashboardView, chosen: Mapping[str, float], base: Policy | None, proposed: Policy) -> None:
    """Draw what the proposed policy would do and how it is written; each text has a button that copies it."""
    learnt = threshold_simulator.fetch_threshold_sweep(view)
    if learnt is not None:
        args = threshold_simulator.sweep_arguments(view)
        length = args.end - args.start if args.start and args.end else WEEK
        rows = weekly_changes(learnt[0], learnt[1], chosen, length)
        data_table(
            rows, {name: unit for name, unit in _UNITS.items() if name in rows.columns}, "weekly", labels=_LABELS
        )
        st.caption(
            "A week of traffic like that of this window, with the intervals of what is estimated; – is no evidence. "
            f"Of fewer than {MIN_SHARE_ROWS:,} requests nothing is shown."
        )
    difference, as_json, as_yaml = st.tabs(["Diff to the policy in force", "JSON", "LiteLLM YAML"])
    with difference:
        st.code(policy_diff(base, proposed) or "no difference", language="diff", wrap_lines=True)
    with as_json:
        st.code(policy_json(proposed), language="json")
    with as_yaml:
        _litellm(proposed)


def weekly_changes(
    rows: pl.DataFrame, facts: Mapping[Any, Mapping[str, Any]], chosen: Mapping[str, float], length: timedelta
) -> pl.DataFrame:
    """A row for each moved threshold: requests, escalations and cost of a week, and quality, now and then."""
    found = []
    for name, at in chosen.items():
        key = None if name == threshold_simulator.ALL_TASK_TYPES else name
        part = rows.filter(pl.col("task_type").eq_missing(key))
        if part.is_empty() or key not in facts:
            continue
        now = facts[key]["threshold_now"]
        before = _nearest(part, now) if now is not None else {}
        found.append(
            {"slice": name, "threshold_now": now, "threshold": at, **_week(_nearest(part, at), before, length)}
        )
    schema = {"slice": pl.String} | dict.fromkeys(_UNITS, pl.Float64)
    return pl.DataFrame(found, schema)


def _nearest(part: pl.DataFrame, at: float) -> Mapping[str, Any]:
    return part.sort((pl.col("threshold") - at).abs()).row(0, named=True)


def _week(here: Mapping[str, Any], before: Mapping[str, Any], length: timedelta) -> dict[str, float | None]:
    """The figures of a slice at its new threshold and at that of now; unknown where they rest on too few requests."""
    if here["n"] < MIN_SHARE_ROWS:
        return {}
    n = here["n"] * (WEEK / length)

    def times(row: Mapping[str, Any], name: str) -> float | None:
        value = row.get(name)
        return None if value is None else float(value) * n

    return {
        "requests": round(n),
        "escalated_now": _whole(times(before, "escalation_rate")),
        "escalated": _whole(times(here, "escalation_rate")),
        "cost_now": times(before, "cost_usd"),
        **{
            name: times(here, f"cost_usd{end}")
            for name, end in (("cost", ""), ("cost_low", "_low"), ("cost_high", "_high"))
        },
        "quality_now": before.get("quality"),
        **{name: here[name] for name in ("quality", "quality_low", "quality_high")},
    }


def _whole(value: float | None) -> float | None:
    return None if value is None else round(value)


def policy_json(policy: Policy) -> str:
    """The policy as `GET /api/v1/policy` has it under `policy`, to be copied."""
    return orjson.dumps(policy.plain(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()


def policy_diff(base: Policy | None, proposed: Policy) -> str:
    """What changes, as a unified diff of both as JSON; empty where nothing does."""
    before = policy_json(base).splitlines() if base else []
    return "\n".join(unified_diff(before, policy_json(proposed).splitlines(), "in force", "proposed", lineterm=""))


def _litellm(policy: Policy) -> None:
    """The policy as LiteLLM's configuration, or why it cannot be written as one."""
    lanes = {
        row["name"]: LaneConfig(models=tuple(row["models"]), escalation=row["escalation"])
        for row in as_dicts(collector_queries.fetch_cached(LanesQuery()).rows)
    }
    if len(lanes) < 2:
        st.caption("LiteLLM cannot express it: a router chooses between lanes, and fewer than two are configured.")
        return
    try:
        text = write_yaml(litellm_config(policy, ProxyModels(lanes)))
    except ControlSurfaceError as problem:
        st.caption(f"LiteLLM cannot express it: {escape_markdown(problem)}")
        return
    st.code(text, language="yaml")
    st.caption("Models have the names of their lanes; `controlsurface policy export --model LANE=NAME` has others.")
