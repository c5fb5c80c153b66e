"""Thresholds chosen on the page become a policy: who, why, the evidence of now; and the versions there were."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.audit import policy
from controlsurface.errors import ControlSurfaceError, NotFound, Unreachable
from controlsurface.formatting import format_confidence
from controlsurface.reader.asking import Command
from controlsurface.reader.rows import frame, records
from controlsurface.ui import reading, states, visitor, what_if
from controlsurface.ui.elements.markdown import plain
from controlsurface.ui.markup import tag
from controlsurface.ui.sheet import sheet
from controlsurface.ui.window import View

DONE, BACK = "_policy_set", "_policy_back"  # what was done last, said once
UNSAID = "Say who decides, and why: those who find this policy will wonder."
EVIDENCE = ("escalation_rate", "quality", "quality_low", "quality_high", "quality_n", "cost_usd", "latency_ms", "n")


def save(view: View) -> None:
    """A form that sets the thresholds moved in the simulator, on top of the policy in force."""
    if said := st.session_state.pop(DONE, None):
        st.success(plain(said))
    chosen = what_if.chosen()
    if not chosen:
        states.state("No threshold was moved yet", "Move the slider for one or more task types, then save them here.")
        return
    st.caption(plain(", ".join(f"{name}: {format_confidence(at)}" for name, at in chosen.items())))
    with st.form("policy", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        who = visitor.name_field("Who decides", "who decides", width=200)
        why = st.text_input("Why", max_chars=1000, width=480)
        if st.form_submit_button("Save as policy", type="secondary"):
            _save(view, dict(chosen), who, why.strip())


def _save(view: View, chosen: Mapping[str, float], who: str, why: str) -> None:
    if not (who and why):
        st.warning(UNSAID)
        return
    newest = _newest()

    def order() -> policy.SetPolicy:
        proposal = policy.Proposal(policy=_changed(newest, chosen), who=who, why=why, evidence=_evidence(view, chosen))
        condition = {"If-Match": policy.etag(newest)} if newest else {"If-None-Match": "*"}
        return policy.SetPolicy(proposal, condition)

    kept = _done(order)
    if kept is None:
        return
    st.session_state[DONE] = f"Policy v{kept['version']} is kept. Routers that ask for it see it now; none is changed."
    st.session_state[what_if.CHOSEN] = {}
    st.rerun()


def _done(order: Callable[[], Command]) -> Mapping[str, Any] | None:
    """What the collector keeps; None where it refuses, for want of a role or because another was quicker."""
    try:
        return reading.reader().do(order())
    except Unreachable:
        st.rerun()
    except ControlSurfaceError as problem:
        st.warning(f"Not kept: {plain(problem)}")
        return None


def versions() -> None:
    """All policies, newest first, and the way back to an older one."""
    if said := st.session_state.pop(BACK, None):
        st.success(plain(said))
    args = policy.HistoryArgs()
    rows = frame(reading.answer(lambda: reading.reader().ask(policy.History(args))).rows)
    if rows.is_empty():
        states.state("No policy yet", f"The first one is made above, or by {tag('code', 'controlsurface policy set')}.")
        return
    columns = rows.select("version", "at", "who", "why", "restores", "settings")
    labels = {"at": "When", "restores": "Brings back"}
    sheet(columns, {"version": "count", "restores": "count"}, "policies", labels=labels)
    st.caption("Routers read GET /api/v1/policy.")
    if rows.height > 1:
        _way_back(rows["version"].to_list()[1:])


def _way_back(older: Sequence[int]) -> None:
    """A form that brings the settings of an older version back, as a new one; whose role may not is told so."""
    with st.form("roll back", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        version = st.selectbox("Bring back", older, format_func="v{}".format, width=120)
        who = visitor.name_field("Who rolls back", "who rolls back", width=200)
        why = st.text_input("Why go back", max_chars=1000, width=420)
        if not st.form_submit_button("Roll back", type="secondary"):
            return
    if not (who and why.strip()):
        st.warning(UNSAID)
        return
    kept = _done(lambda: policy.RollBack(policy.Rollback(version=version, who=who, why=why.strip())))
    if kept is not None:
        st.session_state[BACK] = f"Policy v{kept['version']} has the settings of v{version} again."
        st.rerun()


def _newest() -> Mapping[str, Any] | None:
    """The policy in force."""

    def asked() -> Mapping[str, Any] | None:
        try:
            return records(reading.reader().ask(policy.Current()).rows)[0]
        except NotFound:
            return None

    return reading.answer(asked)


def _changed(newest: Mapping[str, Any] | None, chosen: Mapping[str, float]) -> policy.Policy:
    """The policy in force with the chosen thresholds put in."""
    base = policy.policy_of(newest).policy if newest else None
    tasks = dict(base.task_types) if base else {}
    default = base.default if base else policy.Chosen()
    lanes = dict(zip(("tier", "escalate_to"), what_if.between() or (), strict=False))
    for name, at in chosen.items():
        if name == what_if.ALL:
            default = default.model_copy(update={"threshold": at} | lanes)
        else:
            tasks[name] = tasks.get(name, policy.Chosen()).model_copy(update={"threshold": at} | lanes)
    kept = {"context_guard": base.context_guard, "fallbacks": base.fallbacks} if base else {}
    return policy.Policy(task_types=tasks, default=default, **kept)


def _evidence(view: View, chosen: Mapping[str, float]) -> dict[str, Any]:
    """What the simulator says of the chosen thresholds, and over which window."""
    learnt = what_if.sweep(view)
    window = what_if.asked(view).model_dump(mode="json", include={"start", "end", "where"})
    if learnt is None:
        return {"window": window}
    rows, facts = learnt
    found: dict[str, Any] = {"window": window}
    for name, at in chosen.items():
        key = None if name == what_if.ALL else name
        part = rows.filter(pl.col("task_type").eq_missing(key)).sort((pl.col("threshold") - at).abs())
        if part.height:
            row = part.row(0, named=True)
            found[name] = {each: row[each] for each in EVIDENCE} | {"quality_is": facts[key]["quality_is"]}
    return found
