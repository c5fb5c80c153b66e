"""The form in which a rule is made, changed, cloned, previewed and saved."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import streamlit as st

from controlsurface.alerting.delivery.notifier_commands import NotifiersQuery
from controlsurface.alerting.rules.rule_commands import RemoveRule, RuleDraft, RuleQuery, RuleRemoval, SaveRule
from controlsurface.alerting.rules.rule_doubts import NOTIFIER_LABEL, SEVERITIES
from controlsurface.alerting.rules.rule_templates import RULE_TEMPLATES
from controlsurface.alerting.rules.yaml_edit import table_lines
from controlsurface.client.query_protocol import Command
from controlsurface.errors import BadRequest, ControlSurfaceError
from controlsurface.metrics.catalog import CATALOG
from controlsurface.query.dimensions import DIMENSIONS
from controlsurface.ui.alerts import rule_form
from controlsurface.ui.alerts.rule_form import FormFields
from controlsurface.ui.alerts.rule_preview_panel import rule_preview
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.elements.html_tags import escape_markdown
from controlsurface.ui.widgets.panels import panel

Row = Mapping[str, Any]
NEW, CHANGE, CLONE = "New rule", "Change", "Clone"
BY_ROUTES = "By routes"
SAVED_KEY, PREVIEWED_KEY, ETAG_KEY = "_rule_saved", "_rule_previewed", "_rule_etag"


def rule_editor(rows: Sequence[Row]) -> None:
    """The panel; `rule=` of an address names the rule that is changed."""
    with panel("Rule editor", "rules of your own, and overrides of shipped ones"), st.container():
        if said := st.session_state.pop(SAVED_KEY, ""):
            st.success(escape_markdown(said))
        action, subject = _choose(rows)
        row = next((each for each in rows if each["rule"] == subject), None)
        base = dict(RULE_TEMPLATES[subject]) if row is None else orjson.loads(row["definition"])
        if row is not None:
            _about(row)
        key = f"{action} {subject}"
        if row is not None and action == CHANGE:
            base = _seen_rule(subject, key, base)
        try:
            rule = _form(base, key, fixed=action == CHANGE)
        except BadRequest as problem:
            st.warning(escape_markdown(problem))
            return
        with st.expander("As YAML"):
            st.code(table_lines(rule, 0), language="yaml")
        _save_buttons(rule, row if action == CHANGE else None)


def _choose(rows: Sequence[Row]) -> tuple[str, str]:
    """What to do, and with which rule or template."""
    asked = st.query_params.get("rule", "")
    left, right = st.columns([1, 2])
    names = [row["rule"] for row in rows]
    actions = [NEW, CHANGE, CLONE] if names else [NEW]
    first = CHANGE if asked in names else NEW
    action = left.selectbox("Action", actions, index=actions.index(first), key="rule action")
    known = [*RULE_TEMPLATES] if action == NEW else names
    index = known.index(asked) if asked in known else 0
    label = "Template" if action == NEW else "Rule"
    return action, right.selectbox(label, known, index=index, key=f"rule subject {action}") or known[0]


def _about(row: Row) -> None:
    """Where the rule comes from, and what is overridden."""
    override = orjson.loads(row["override"]) if row.get("override") else None
    if override:
        place = f"{override['file'].rpartition('/')[2]}:{override['line']}"
        st.caption(f"Overridden in {escape_markdown(place)}: {escape_markdown(override['changes'])}.")
    elif row.get("origin") == "shipped":
        st.caption("Shipped. Saving writes what differs into your own rules, as an override; removing it is the undo.")


def _form(base: Mapping[str, Any], key: str, *, fixed: bool) -> dict[str, Any]:
    """The fields, filled from a rule; the rule that they mean. Raises BadRequest."""
    name = base.get("alert", "") if fixed else ""
    name = st.text_input(
        "Name", name, key=f"rule name {key}", disabled=fixed, max_chars=100, placeholder="EscalationRateHigh"
    )
    if not rule_form.has_form(base):
        return _as_json(base, key) | {"alert": name}
    fields: dict[str, Any] = {"name": name}
    source = "attempts"
    if "budget" in base:
        fields["budget"] = _budget(base["budget"], key)
    else:
        fields |= _condition(base, key)
        source = CATALOG[fields["metric"]].source
    return rule_form.rule_from_form(base, FormFields(**fields, **_slices(base, source, key), **_delivery(base, key)))


def _as_json(base: Mapping[str, Any], key: str) -> dict[str, Any]:
    text = orjson.dumps({n: v for n, v in base.items() if n != "alert"}, option=orjson.OPT_INDENT_2).decode()
    try:
        found = orjson.loads(st.text_area("Rule as JSON", text, key=f"rule json {key}", height=240))
    except orjson.JSONDecodeError as problem:
        raise BadRequest(f"Rule as JSON: {problem}") from None
    if not isinstance(found, dict):
        raise BadRequest("Rule as JSON: write an object with the fields of the rule")
    return found


def _condition(base: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Metric, condition and threshold."""
    left, middle, right = st.columns([2, 1, 1])
    metrics = [*CATALOG]
    metric = left.selectbox("Metric", metrics, index=metrics.index(base["metric"]), key=f"rule metric {key}")
    condition = rule_form.condition_of(base)
    side = middle.selectbox(
        "Condition", rule_form.CONDITIONS, rule_form.CONDITIONS.index(condition), key=f"rule side {key}"
    )
    left.caption(escape_markdown(CATALOG[metric].help))
    scale, unit = (1.0, "odds ratio") if side == "drift" else rule_form.threshold_scale(metric)
    value = rule_form.threshold_of(base, side) if side == condition else 1.2 if side == "drift" else None
    relative = isinstance(base.get(side), Mapping) and side != "drift"
    label = "Tolerance" if side == "drift" else "Limit" if relative else "Threshold"
    given = right.number_input(
        f"{label}{f' in {unit}' if unit else ''}",
        value=None if value is None else value * scale,
        key=f"rule threshold {key} {metric} {side}",
    )
    if relative:
        middle.caption("Also held against the past, as the rule says.")
    interval = False
    if side != "drift" and CATALOG[metric].kind == "ratio":
        interval = right.checkbox("All of the 95 % interval", base.get("judge") == "interval", key=f"rule judge {key}")
    return {"metric": metric, "condition": side, "threshold": given, "interval": interval}


def _budget(budget: Mapping[str, Any], key: str) -> dict[str, Any]:
    left, middle, right = st.columns(3)
    usd = left.number_input(
        "Budget in USD",
        value=None if budget.get("usd") is None else float(budget["usd"]),
        min_value=0.01,
        key=f"rule usd {key}",
    )
    period = middle.text_input("Period", budget.get("period", "7d"), key=f"rule period {key}")
    burn = right.number_input(
        "Fires at times the budget's pace", value=float(budget.get("burn", 1)), key=f"rule burn {key}"
    )
    return {name: value for name, value in (("usd", usd), ("period", period), ("burn", burn)) if value is not None}


def _slices(base: Mapping[str, Any], source: Any, key: str) -> dict[str, Any]:
    """Group by, filter and times."""
    left, right = st.columns(2)
    known = DIMENSIONS[source]
    by = left.multiselect(
        "Group by",
        known,
        [n for n in base.get("by", ()) if n in known],
        key=f"rule by {key} {source}",
        max_selections=4,
    )
    text = rule_form.pairs_text(base.get("where", {}))
    where = right.text_area("Filter", text, key=f"rule where {key}", height=68, placeholder="environment=production")
    columns = st.columns(4)
    labels = {"over": "Over", "for": "For", "keep_firing_for": "Keep firing for"}
    times = {
        name: box.text_input(
            label, base.get(name, ""), key=f"rule {name} {key}", placeholder="15m" if name == "over" else "0s"
        )
        for (name, label), box in zip(labels.items(), columns, strict=False)
    }
    least = columns[3].number_input("Minimum rows", 0, value=base.get("min_count"), key=f"rule least {key}")
    return {"by": by, "where": where, "times": {n: v.strip() for n, v in times.items()}, "min_count": least}


def _delivery(base: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Severity, labels, notifier, and the text."""
    left, middle, right = st.columns(3)
    labels = base.get("labels", {})
    severity = labels.get("severity", "ticket")
    known = [*dict.fromkeys((*SEVERITIES, severity))]
    chosen = left.selectbox("Severity", known, known.index(severity), key=f"rule severity {key}")
    own = rule_form.pairs_text(labels, ("severity", NOTIFIER_LABEL))
    text = middle.text_area("Labels", own, key=f"rule labels {key}", height=68, placeholder="owner=router team")
    rows = collector_queries.run_now(NotifiersQuery()).rows.to_pylist()
    names = [BY_ROUTES, *dict.fromkeys((*(row["name"] for row in rows), *filter(None, [labels.get(NOTIFIER_LABEL)])))]
    index = names.index(labels.get(NOTIFIER_LABEL, BY_ROUTES))
    notifier = right.selectbox("Notifier", names, index, key=f"rule notifier {key}")
    summary = st.text_input("Summary", base.get("annotations", {}).get("summary", ""), key=f"rule summary {key}")
    to = "" if notifier == BY_ROUTES else notifier
    return {"severity": chosen, "labels": text, "notifier": to, "summary": summary}


def _save_buttons(rule: Mapping[str, Any], row: Row | None) -> None:
    """Preview, save, and take back."""
    left, right = st.columns(2)
    with left:
        who = visitor.name_field("Author", "rule who")
    why = right.text_input("Reason", key="rule why", max_chars=1000).strip()
    with st.container(horizontal=True):
        if st.button("Preview", key="rule preview"):
            st.session_state[PREVIEWED_KEY] = orjson.dumps(rule)
        if st.button("Save rule", key="rule save", type="primary"):
            _save(rule, row, who, why)
        if row is not None and (row.get("override") or row.get("origin") != "shipped"):
            done = "override undone" if row.get("override") else "rule removed"
            if st.button("Undo override" if row.get("override") else "Remove rule", key="rule remove"):
                _do(RemoveRule(rule["alert"], RuleRemoval(who=who)), f"{rule['alert']}: {done}")
    if st.session_state.get(PREVIEWED_KEY) == orjson.dumps(rule):
        rule_preview(rule)


def _seen_rule(name: str, key: str, in_force: dict[str, Any]) -> dict[str, Any]:
    """The rule as its file had it when the form was opened: a change by somebody else since is not overwritten."""
    held = st.session_state.get(ETAG_KEY)
    if held is None or held[0] != key:
        try:
            found = collector_queries.collector_client().run(RuleQuery(name))
        except ControlSurfaceError as problem:
            st.warning(escape_markdown(problem))
            return in_force
        held = (key, found.facts["etag"], found.rows.to_pylist()[0]["definition"])
        st.session_state[ETAG_KEY] = held
    seen: dict[str, Any] = orjson.loads(held[2])
    return seen


def _save(rule: Mapping[str, Any], row: Row | None, who: str, why: str) -> None:
    if not rule["alert"]:
        st.warning("Not saved: a rule needs a name.")
        return
    held = st.session_state.get(ETAG_KEY)
    headers = {"If-None-Match": "*"} if row is None else {"If-Match": held[1]} if held else {}
    _do(SaveRule(rule["alert"], RuleDraft(rule=dict(rule), who=who, why=why), headers), f"{rule['alert']}: saved")


def _do(order: Command, said: str) -> None:
    """Make the change; the rule is read again within seconds."""
    try:
        done = collector_queries.collector_client().execute(order)
    except ControlSurfaceError as problem:
        st.warning(f"Not saved: {escape_markdown(problem)}")
        return
    doubts = "".join(f" Mind {each}." for each in done.get("doubts", ()))
    st.session_state[SAVED_KEY] = f"{said} in {done['file']}; in force within seconds.{doubts}"
    st.session_state.pop(ETAG_KEY, None)
    st.rerun()
