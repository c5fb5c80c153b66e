"""One rule asked for, saved and removed: of a shipped one what differs, in the user's own folder of rules."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

import orjson
from pydantic import Field

from controlsurface.alerting.rules.rule_doubts import NOTIFIER_LABEL, rule_doubts
from controlsurface.alerting.rules.rule_edit import (
    EditableRules,
    TextEdit,
    edit_to_remove,
    edit_to_save,
    read_rules,
    rules_lock,
    save_rule_file,
)
from controlsurface.alerting.rules.rule_loader import is_shipped, validate_rule
from controlsurface.alerting.rules.rule_models import ONE_MINUTE, AlertRule
from controlsurface.alerting.rules.rule_overrides import describe_change, diff_patch, rule_json
from controlsurface.client.arrow_tables import MAYBE_TEXT, TEXT, column_table, columns, list_of
from controlsurface.client.query_protocol import (
    NO_ARGUMENTS,
    Command,
    NoArguments,
    Query,
    ReadEndpoint,
    Result,
    StoreSession,
    WriteEndpoint,
)
from controlsurface.errors import BadRequest, NotFound, Stale, Unconditional, did_you_mean
from controlsurface.formatting import format_period
from controlsurface.query.arguments import Arguments, ArgumentText, StepLength
from controlsurface.store.named_query import StateSql

_IF_NONE_MATCH, _IF_MATCH = "if-none-match", "if-match"
_DOCUMENT = columns(
    **dict.fromkeys(("rule", "kind", "origin", "group", "interval", "file", "definition"), TEXT),
    **dict.fromkeys(("original", "overridden"), MAYBE_TEXT),
)


@dataclass(frozen=True, slots=True)
class RuleQuery(Query[Result]):
    """One rule as its files have it now: definition and original (JSON), overridden (in words), its file and group.

    The fact `etag` is the version that a change rests on. Raises NotFound with the nearest name.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/rules/{alert}",
        "rule",
        "One rule as its files have it, with the version that a change rests on",
        _DOCUMENT,
        form="single",
        tag="etag",
        problems=("404", "409"),
    )
    alert: str
    arguments: NoArguments = NO_ARGUMENTS

    def run(self, session: StoreSession) -> Result:
        """From the files."""
        found = read_rules(session.config)
        source, rule = found.group_of(self.alert), found.rules.rules.get(self.alert)
        if source is None or rule is None:
            raise NotFound(f"no rule named '{self.alert[:100]}'{did_you_mean(self.alert, found.rules.rules)}")
        override = found.rules.overrides.get(self.alert)
        row = {
            "rule": rule.alert,
            "kind": rule.kind,
            "origin": "shipped" if is_shipped(source.file) else "own",
            "group": source.group.name,
            "interval": format_period(source.group.interval),
            "file": override.file if override else source.file,
            "definition": orjson.dumps(rule_json(rule)).decode(),
            "original": orjson.dumps(rule_json(override.original)).decode() if override else None,
            "overridden": describe_change(override.original, rule) if override else None,
        }
        return Result(column_table([row], _DOCUMENT), {"etag": found.version(self.alert)})


class RuleDraft(Arguments):
    """A rule as it is to be."""

    rule: dict[str, Any] = Field(description="the rule, with the fields of rule files")
    group: ArgumentText = Field("", description="of a new rule; empty: custom")
    interval: StepLength | None = Field(None, description="from one evaluation of a new group to the next")
    who: ArgumentText = Field("", description="who says so")
    why: ArgumentText = Field("", description="a sentence for those who will wonder; a comment in the file")


class RuleRemoval(Arguments):
    """Who takes a rule or an override back."""

    who: ArgumentText = Field("", description="who says so")


@dataclass(frozen=True, slots=True)
class SaveRule(Command):
    """Make a rule, change one, or override a shipped one; the loop reads it within seconds.

    `headers` say what the change of a rule rests on: If-Match: ETAG. Raises Unconditional without, Stale where somebody
    was quicker, BadRequest naming field and nearest right name, ConfigError where another file is wrong.
    """

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/rules/{alert}",
        "save_rule",
        "Make a rule, change one, or override a shipped one, on top of the version that If-Match names",
        columns(rule=TEXT, file=TEXT, overridden=MAYBE_TEXT, etag=TEXT, doubts=list_of(TEXT)),
        method="PUT",
        role="admin",
        status=200,
        author="who",
        tag="etag",
        problems=("404", "409", "412", "428"),
    )
    alert: str
    body: RuleDraft
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def conditions(self) -> Mapping[str, str]:
        """What it rests on."""
        return self.headers

    @classmethod
    def received(cls, body: Arguments, caller: str, headers: Mapping[str, str], /, **fields: Any) -> Self:
        """With the conditions that it came with."""
        rests = {name: headers[name] for name in (_IF_MATCH, _IF_NONE_MATCH) if name in headers}
        return super(SaveRule, cls).received(body, caller, {}, headers=rests, **fields)

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Into the file, and an event that says who changed what."""
        rule = understand_rule(self.alert, self.body.rule, session)
        with rules_lock(session.config):
            found = read_rules(session.config)
            _rests_on(self.headers, found, self.alert)
            return save_rule(session, found, rule, self.body)


@dataclass(frozen=True, slots=True)
class RemoveRule(Command):
    """Take an override back, else remove a rule of one's own. Raises NotFound, BadRequest for shipped ones."""

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/rules/{alert}",
        "remove_rule",
        "Take the override of a shipped rule back, or remove a rule of your own",
        columns(rule=TEXT, file=TEXT, removed=TEXT),
        method="DELETE",
        role="admin",
        status=200,
        author="who",
        problems=("404", "409"),
    )
    alert: str
    body: RuleRemoval = field(default_factory=RuleRemoval)

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Out of the file, and an event that says who did it."""
        with rules_lock(session.config):
            found = read_rules(session.config)
            edit = edit_to_remove(found, self.alert)
            overridden = self.alert in found.rules.overrides or found.place(self.alert, "overrides") is not None
            after = save_rule_file(session.config, edit).rules.rules.get(self.alert)
        removed = "override" if overridden else "rule"
        title = f"{self.alert}: {removed} removed"
        session.write([_event(title, self.alert, edit, found.rules.rules.get(self.alert), after, self.body.who, "")])
        return {"rule": self.alert, "file": str(edit.path), "removed": removed}


def save_rule(session: StoreSession, found: EditableRules, rule: AlertRule, draft: RuleDraft) -> Mapping[str, Any]:
    """The rule in its file; whoever calls holds the lock, and has read what is there."""
    before = found.rules.rules.get(rule.alert)
    interval = format_period(draft.interval) if draft.interval else ""
    said = f"{datetime.now(UTC):%Y-%m-%d} {draft.who or 'api'}: {draft.why}" if draft.why else ""
    edit = edit_to_save(found, rule, draft.group, interval, [said])
    again = save_rule_file(session.config, edit)
    override = again.rules.overrides.get(rule.alert)
    changes = describe_change(before, rule).replace("shipped", "was") if before else "made"
    title = f"{rule.alert}: {changes or 'as shipped'}"
    session.write([_event(title, rule.alert, edit, before, rule, draft.who, draft.why)])
    source = again.group_of(rule.alert)
    return {
        "rule": rule.alert,
        "file": str(edit.path),
        "overridden": describe_change(override.original, rule) if override else None,
        "etag": again.version(rule.alert),
        "doubts": [
            f"{name}: {text}" for name, text in rule_doubts(rule, source.group.interval if source else ONE_MINUTE)
        ],
    }


def understand_rule(alert: str, value: Mapping[str, Any], session: StoreSession) -> AlertRule:
    """The rule. Raises BadRequest with every problem, also where it never fires or nobody has the notifier's name."""
    rule, problems = validate_rule({"alert": alert, **value})
    if rule is None:
        raise BadRequest("; ".join(f"rule.{'.'.join(map(str, place))}: {text}" for place, text in problems))
    if rule.alert != alert:
        raise BadRequest(
            f"rule.alert: is '{rule.alert}', and the address says '{alert[:100]}'; make a new rule instead"
        )
    if never := [f"rule.{name}: {text}" for name, text in rule_doubts(rule, ONE_MINUTE) if " is never " in text]:
        raise BadRequest("; ".join(never))
    known, notifier = session.config.delivery.notifiers, rule.labels.get(NOTIFIER_LABEL)
    if notifier and notifier not in known:
        raise BadRequest(f"rule.labels.notifier: no notifier named '{notifier}'{did_you_mean(notifier, known)}")
    return rule


def _rests_on(headers: Mapping[str, str], found: EditableRules, name: str) -> None:
    """Nothing, where the conditions hold (RFC 9110, section 13). Raises Unconditional, Stale."""
    said = {key.lower(): value.strip() for key, value in headers.items()}
    version = found.version(name)
    if version and _IF_MATCH not in said and said.get(_IF_NONE_MATCH) != "*":
        raise Unconditional(f"{name}: is there already; say which version the change rests on (If-Match: ETAG)")
    if _IF_MATCH in said and said[_IF_MATCH] != version:
        raise Stale(f"{name}: was changed or removed since; look at it again, and make the change on top of it")
    if version and said.get(_IF_NONE_MATCH) == "*":
        raise Stale(f"{name}: another rule has this name already; choose another")


def _event(
    title: str, name: str, edit: TextEdit, before: AlertRule | None, after: AlertRule | None, who: str, why: str
) -> StateSql:
    """An event, so that charts show when it was, and the list of changes who did it, and what was before."""
    old, new = (rule_json(rule) if rule else {} for rule in (before, after))
    changes = {"before": diff_patch(new, old) if before else None, "after": diff_patch(old, new) if after else None}
    detail = json.dumps({"rule": name, "file": Path(edit.path).name, **changes} | ({"why": why} if why else {}))
    columns_ = '"at", kind, title, detail, source'
    sql = f"INSERT INTO events ({columns_}) VALUES (now()::TIMESTAMP, 'other', $title, $detail, $source)"
    return sql, {"title": title[:1000], "detail": detail, "source": who or "api"}
