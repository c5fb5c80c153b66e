"""Before launch: answers of each model to the same prompts are uploaded; which tier each task type begins with."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.price_editions import PriceEditionsQuery
from controlsurface.config import ProfileConfig
from controlsurface.errors import BadRequest, ControlSurfaceError
from controlsurface.money.price_book import PriceBook
from controlsurface.money.price_edition import PriceEdition
from controlsurface.profile.answer_table import TABLE_SUFFIXES, read_answers, stated_tiers
from controlsurface.profile.model_profile import ModelProfile, profile_answers, stated_mix
from controlsurface.profile.pass_criteria import read_criteria
from controlsurface.profile.profile_policy import profile_as_litellm, profile_policy
from controlsurface.ui.audits.policy_preview import policy_json
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import escape_markdown
from controlsurface.ui.widgets.data_table import data_table

MAX_UPLOAD_MB = 50
_UNITS = {
    **dict.fromkeys(("n", "unjudged", "more_prompts", "requests"), "count"),
    **dict.fromkeys(("rate", "escalated", "priced_share"), "ratio"),
    **dict.fromkeys(("call_usd", "cost_usd"), "usd"),
    "latency_ms_p50": "ms",
    "threshold": "index",
}
_LABELS = {
    "task_type": "Task type",
    "n": "Prompts",
    "rate": "Passed",
    "low": "from",
    "high": "to",
    "unjudged": "Not judged",
    "latency_ms_p50": "Latency p50",
    "call_usd": "Cost a call",
    "shown": "Decided at 95 %",
    "more_prompts": "More prompts needed",
    "cost_usd": "Cost a month",
    "priced_share": "Priced",
}
_TITLES = {
    "pass rates": "How often each model passes",
    "tiers": "Where each task type begins",
    "months": "A month",
    "readiness": "Ready?",
}


def model_profile_panel() -> None:
    """Draw the form, and what the uploaded answers say."""
    left, right = st.columns(2)
    answers = left.file_uploader(
        "Answers",
        [each[1:] for each in TABLE_SUFFIXES],
        max_upload_size=MAX_UPLOAD_MB,
        help=(
            "A row an answer (task_type, prompt_id, tier, answer or score, expected, input_tokens, output_tokens, "
            "cost_usd), or a column of scores or answers a model."
        ),
    )
    criteria = right.file_uploader(
        "Criteria (TOML), and the JSON Schemas they name",
        ["toml", "json"],
        accept_multiple_files=True,
        max_upload_size=MAX_UPLOAD_MB,
        help="When an answer passes. Without them: a score of 0.5.",
    )
    first, second, third, fourth = st.columns([3, 1, 1, 1], vertical_alignment="bottom")
    models = first.text_input("Models, from cheap to dear", placeholder="small=gpt-5-nano, large=gpt-5", key="models")
    requests = second.number_input("Requests a day", 0, value=None, placeholder="none stated", key="requests a day")
    defaults = ProfileConfig()
    alone = third.number_input("Answers alone from", 0.01, 1.0, defaults.alone, 0.01, key="alone")
    escalating = fourth.number_input("Answers first from", 0.01, 1.0, defaults.escalating, 0.01, key="escalating")
    if answers is None or not models:
        st.caption(
            "Pass rates of 200 to 500 prompts that each model has answered, the tier that each task type begins with, "
            "and what a month would cost. `controlsurface profile` does the same, and asks the models for you."
        )
        return
    try:
        bounds = ProfileConfig(alone=max(alone, escalating), escalating=escalating)
        found = _profile([answers], criteria, models, bounds, requests)
    except ControlSurfaceError as problem:
        st.error(escape_markdown(str(problem)))
        return
    _draw(found, answers.name)


def _profile(
    answers: Sequence[Any], criteria: Sequence[Any], models: str, bounds: ProfileConfig, requests: float | None
) -> ModelProfile:
    """The profile of uploaded files, at the prices in force. Raises ControlSurfaceError."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for each in (*answers, *criteria):
            (folder / Path(each.name).name).write_bytes(each.getvalue())
        order = stated_tiers([models])
        files = [each.name for each in criteria if each.name.endswith(".toml")]
        if len(files) > 1:
            raise BadRequest(f"more than one file of criteria: {', '.join(files)}")
        try:
            held = read_criteria(folder / files[0] if files else None)
            table = read_answers(folder / Path(answers[0].name).name, order)
        except ControlSurfaceError as problem:
            raise BadRequest(str(problem).replace(f"{folder}/", "")) from None
        return profile_answers(
            table, order, held, bounds, _edition(), stated_mix(table, requests or None, {}), datetime.now(UTC)
        )


def _edition() -> PriceEdition:
    """The prices in force; the list's alone where nothing was ever priced."""
    rows = as_dicts(collector_queries.fetch_cached(PriceEditionsQuery()).rows)
    if not rows or not rows[0]["in_force"]:
        return PriceEdition(PriceBook())
    book = PriceBook.model_validate_json(rows[0]["prices"])
    return PriceEdition(book, rows[0]["trusts_spans"], rows[0]["list_version"])


def _draw(found: ModelProfile, file: str) -> None:
    for name, table in found.tables().items():
        st.subheader(escape_markdown(_TITLES[name]), anchor=False)
        ends = dict.fromkeys(("low", "high"), "usd" if name == "months" else "ratio")
        units = {column: unit for column, unit in (_UNITS | ends).items() if column in table.columns}
        data_table(
            table.with_columns(pl.col(pl.Boolean).replace_strict({True: "yes", False: "no"})),
            units,
            name,
            labels=_LABELS,
            download=table,
        )
    policy = profile_policy(found.choices, [*found.tiers], None)
    as_policy, as_yaml = st.tabs(["Policy (JSON)", "LiteLLM YAML"])
    with as_policy:
        st.code(policy_json(policy), language="json")
    with as_yaml:
        try:
            st.code(profile_as_litellm(policy, found.tiers, found.why(file)), language="yaml")
        except ControlSurfaceError as problem:
            st.caption(f"LiteLLM has no words for it: {escape_markdown(str(problem))}")
