"""A rule's threshold changed: only the number moves in its file, or stands in an override where the rule is shipped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from controlsurface.alerting.rules.rule_commands import RuleDraft, save_rule, understand_rule
from controlsurface.alerting.rules.rule_edit import read_rules, rules_lock
from controlsurface.alerting.rules.rule_models import AlertRule, MetricBound, ThresholdRule
from controlsurface.alerting.rules.rule_overrides import merge_patch, rule_json
from controlsurface.client.arrow_tables import NUMBER, TEXT, columns
from controlsurface.client.query_protocol import Command, StoreSession, WriteEndpoint
from controlsurface.errors import BadRequest, Conflict, NotFound
from controlsurface.query.arguments import Arguments, ArgumentText


class ThresholdChange(Arguments):
    """The new bound, and the one that it takes the place of."""

    value: float = Field(description="what the metric is held against from now on, in its unit")
    was: float | None = Field(None, description="refuse unless this is the bound in the file")
    who: ArgumentText = Field("", description="who says so")


@dataclass(frozen=True, slots=True)
class SetThreshold(Command):
    """Write a threshold into the rule's file, or an override of a shipped rule; the loop reads it within seconds."""

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/rules/{alert:path}/threshold",
        "set_threshold",
        "Change a rule's threshold in its file; a shipped rule's in an override",
        columns(rule=TEXT, value=NUMBER, file=TEXT),
        method="PUT",
        role="admin",
        status=200,
        author="who",
        problems=("404", "409"),
    )
    alert: str
    body: ThresholdChange

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Into the file. Raises NotFound, BadRequest, Conflict where the file says something else."""
        with rules_lock(session.config):
            found = read_rules(session.config)
            rule = found.rules.rules.get(self.alert)
            if not isinstance(rule, ThresholdRule):
                raise NotFound(f"no rule with a threshold is named '{self.alert[:100]}'")
            was = rule_threshold(rule)
            if was is None:
                raise BadRequest(f"{rule.alert}: is held against another figure, not against a number")
            if self.body.was is not None and was != self.body.was:
                raise Conflict(f"{rule.alert}: the file says {was:g} by now, not {self.body.was:g}; look again")
            wanted = understand_rule(self.alert, with_threshold(rule, self.body.value), session)
            draft = RuleDraft(rule={}, who=self.body.who)
            saved = save_rule(session, found, wanted, draft)
        return {"rule": self.alert, "value": self.body.value, "file": saved["file"]}


def rule_threshold(rule: AlertRule) -> float | None:
    """The number that a rule holds its metric against: the bound, or the limit of one that is another figure."""
    if not isinstance(rule, ThresholdRule):
        return None
    return rule.bound.limit if isinstance(rule.bound, MetricBound) else rule.bound


def with_threshold(rule: ThresholdRule, value: float) -> dict[str, Any]:
    """The rule as a table, with another threshold."""
    side = "above" if rule.above is not None else "below"
    bound = {"limit": value} if isinstance(rule.bound, MetricBound) else value
    found: dict[str, Any] = merge_patch(rule_json(rule), {side: bound})
    return found
