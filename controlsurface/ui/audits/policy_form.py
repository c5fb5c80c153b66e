"""Thresholds chosen on the page become a policy: who, why, the evidence of now; and the versions there were."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.audit import policy
from controlsurface.client.arrow_tables import as_dicts, as_polars
from controlsurface.client.query_protocol import Command
from controlsurface.errors import ControlSurfaceError, NotFound, Unreachable
from controlsurface.formatting import format_confidence
from controlsurface.ui.audits import threshold_simulator
from controlsurface.ui.audits.policy_preview import policy_preview
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.data_table import data_table

POLICY_SET_KEY, ROLLBACK_KEY = "_policy_set", "_policy_back"  # what was done last, said once
MISSING_REASON_TEXT = "An author and a reason are needed: the history of policies shows both."
EVIDENCE_COLUMNS = "escalation_rate quality quality_low quality_high quality_n cost_usd latency_ms n".split()


def save_policy_form(view: DashboardView) -> None:
    """A form that sets the thresholds moved in the simulator, on top of the policy in force."""
    if said := st.session_state.pop(POLICY_SET_KEY, None):
        st.success(escape_markdown(said))
    chosen = threshold_simulator.chosen_thresholds()
    if not chosen:
        states.empty_state(
            "No threshold was moved yet", "Move the slider for one or more task types, then save them here."
        )
        return
    st.caption(escape_markdown(", ".join(f"{name}: {format_confidence(at)}" for name, at in chosen.items())))
    newest = _newest()
    base = policy.policy_version_of(newest).policy if newest else None
    policy_preview(view, dict(chosen), base, _changed(newest, chosen))
    with st.form("policy", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        who = visitor.name_field("Author", "policy_author", width=200)
        why = st.text_input("Reason", key="policy_reason", max_chars=1000, width=480)
        if st.form_submit_button("Save as policy", type="secondary"):
            _save(view, dict(chosen), who, why.strip())


def _save(view: DashboardView, chosen: Mapping[str, float], who: str, why: str) -> None:
    if not (who and why):
        st.warning(MISSING_REASON_TEXT)
        return
    newest = _newest()

    def order() -> policy.SetPolicyCommand:
        proposal = policy.Proposal(policy=_changed(newest, chosen), who=who, why=why, evidence=_evidence(view, chosen))
        condition = {"If-Match": policy.policy_etag(newest)} if newest else {"If-None-Match": "*"}
        return policy.SetPolicyCommand(proposal, condition)

    kept = _save_or_warn(order)
    if kept is None:
        return
    st.session_state[POLICY_SET_KEY] = f"Policy v{kept['version']} is saved. It is applied when a router fetches it."
    st.session_state[threshold_simulator.CHOSEN_THRESHOLDS_KEY] = {}
    st.rerun()


def _save_or_warn(order: Callable[[], Command]) -> Mapping[str, Any] | None:
    """What the collector keeps; None where it refuses, for want of a role or because another was quicker."""
    try:
        return collector_queries.collector_client().execute(order())
    except Unreachable:
        st.rerun()
    except ControlSurfaceError as problem:
        st.warning(f"Not saved: {escape_markdown(problem)}")
        return None


def policy_version_table() -> None:
    """All policies, newest first, and the way back to an older one."""
    if said := st.session_state.pop(ROLLBACK_KEY, None):
        st.success(escape_markdown(said))
    args = policy.PolicyHistoryArgs()
    rows = as_polars(collector_queries.run_now(policy.PolicyHistoryQuery(args)).rows)
    if rows.is_empty():
        states.empty_state(
            "No policy yet", f"The first one is made above, or by {html_tag('code', 'controlsurface policy set')}."
        )
        return
    columns = rows.select("version", "at", "who", "why", "restores", "settings")
    labels = {"at": "Saved", "who": "Author", "why": "Reason", "restores": "Restores"}
    data_table(columns, {"version": "count", "restores": "count"}, "policies", labels=labels)
    st.caption("Routers read GET /api/v1/policy.")
    if rows.height > 1:
        _rollback_form(rows["version"].to_list()[1:])


def _rollback_form(older: Sequence[int]) -> None:
    """A form that brings the settings of an older version back, as a new one; whose role may not is told so."""
    with st.form("roll back", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        version = st.selectbox("Restore", older, format_func="v{}".format, width=120)
        who = visitor.name_field("Author", "rollback_author", width=200)
        why = st.text_input("Reason", key="rollback_reason", max_chars=1000, width=420)
        if not st.form_submit_button("Roll back", type="secondary"):
            return
    if not (who and why.strip()):
        st.warning(MISSING_REASON_TEXT)
        return
    kept = _save_or_warn(lambda: policy.RollbackCommand(policy.Rollback(version=version, who=who, why=why.strip())))
    if kept is not None:
        st.session_state[ROLLBACK_KEY] = f"Policy v{kept['version']} has the settings of v{version} again."
        st.rerun()


def _newest() -> Mapping[str, Any] | None:
    """The policy in force."""

    def asked() -> Mapping[str, Any] | None:
        try:
            return as_dicts(collector_queries.collector_client().run(policy.CurrentPolicyQuery()).rows)[0]
        except NotFound:
            return None

    return collector_queries.run_or_show_error(asked)


def _changed(newest: Mapping[str, Any] | None, chosen: Mapping[str, float]) -> policy.Policy:
    """The policy in force with the chosen thresholds put in."""
    base = policy.policy_version_of(newest).policy if newest else None
    tasks = dict(base.task_types) if base else {}
    default = base.default if base else policy.TaskTypePolicy()
    lanes = dict(zip(("tier", "escalate_to"), threshold_simulator.chosen_lanes() or (), strict=False))
    for name, at in chosen.items():
        if name == threshold_simulator.ALL_TASK_TYPES:
            default = default.model_copy(update={"threshold": at} | lanes)
        else:
            tasks[name] = tasks.get(name, policy.TaskTypePolicy()).model_copy(update={"threshold": at} | lanes)
    kept = {"context_guard": base.context_guard, "fallbacks": base.fallbacks} if base else {}
    return policy.Policy(task_types=tasks, default=default, **kept)


def _evidence(view: DashboardView, chosen: Mapping[str, float]) -> dict[str, Any]:
    """What the simulator says of the chosen thresholds, and over which window."""
    learnt = threshold_simulator.fetch_threshold_sweep(view)
    window = threshold_simulator.sweep_arguments(view).model_dump(mode="json", include={"start", "end", "where"})
    if learnt is None:
        return {"window": window}
    rows, facts = learnt
    found: dict[str, Any] = {"window": window}
    for name, at in chosen.items():
        key = None if name == threshold_simulator.ALL_TASK_TYPES else name
        part = rows.filter(pl.col("task_type").eq_missing(key)).sort((pl.col("threshold") - at).abs())
        if part.height:
            row = part.row(0, named=True)
            found[name] = {each: row[each] for each in EVIDENCE_COLUMNS} | {"quality_is": facts[key]["quality_is"]}
    return found
