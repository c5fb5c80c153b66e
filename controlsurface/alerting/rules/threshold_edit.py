"""A rule's threshold changed in its file: only the number moves, comments and everything else stay as they are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from controlsurface.alerting.rules.rule_loader import load_rule_files
from controlsurface.alerting.rules.yaml_tree import parse_yaml, value_at
from controlsurface.atomic_file import atomic_replacement
from controlsurface.client.arrow_tables import NUMBER, TEXT, columns
from controlsurface.client.query_protocol import Command, StoreSession, WriteEndpoint
from controlsurface.errors import BadRequest, Conflict, NotFound
from controlsurface.query.arguments import Arguments, ArgumentText
from controlsurface.shipped_paths import ALERTS
from controlsurface.store.named_query import StateSql

_RULE_FILE_SQL = "SELECT file FROM alert_rules WHERE rule = $rule AND kind = 'threshold'"


class ThresholdChange(Arguments):
    """The new bound, and the one that it takes the place of."""

    value: float = Field(description="what the metric is held against from now on, in its unit")
    was: float | None = Field(None, description="refuse unless this is the bound in the file")
    who: ArgumentText = Field("", description="who says so")


@dataclass(frozen=True, slots=True)
class SetThreshold(Command):
    """Write a threshold into the rule's file; the loop reads it within seconds."""

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/rules/{alert:path}/threshold",
        "set_threshold",
        "Change a rule's threshold in its file",
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
        """Into the file. Raises NotFound, BadRequest for shipped rules, Conflict where the file says something else."""
        rows = session.state(_RULE_FILE_SQL, {"rule": self.alert}).to_pylist()
        if not rows:
            raise NotFound(f"no rule with a threshold is named '{self.alert[:100]}'")
        path = Path(rows[0]["file"])
        if path.resolve().is_relative_to(Path(ALERTS).resolve()):
            raise BadRequest(
                f"{path.name} came with Control Surface and is replaced with it; copy the rule into a folder of your "
                "own (alerts.directories), and name it in alerts.disable"
            )
        _write(path, replace_threshold(_read(path), self.alert, self.body))
        session.write([_threshold_change_event(self.alert, self.body)])
        return {"rule": self.alert, "value": self.body.value, "file": str(path)}


def replace_threshold(text: str, rule: str, wanted: ThresholdChange) -> str:
    """The file's text with another number at the rule's `above` or `below`. Raises NotFound, Conflict, BadRequest."""
    tree = parse_yaml(text)
    rules = (each[:-1] for each in tree.spans if each[-1:] == ("alert",) and value_at(tree.value, each) == rule)
    bounds = ((*place, name) for place in rules for name in ("above", "below"))
    bound = next((place for place in bounds if place in tree.spans), None)
    if bound is None:
        raise NotFound(f"'{rule[:100]}' is not in its file any more")
    try:
        was = float(value_at(tree.value, bound))
    except (TypeError, ValueError):
        raise BadRequest(f"{rule}: is held against another figure, not against a number") from None
    if wanted.was is not None and was != wanted.was:
        raise Conflict(f"{rule}: the file says {was:g} by now, not {wanted.was:g}; look again")
    return text[: tree.spans[bound].start] + _number(wanted.value) + text[tree.spans[bound].stop :]


def _number(value: float) -> str:
    """As people write it, without losing any of it."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as problem:
        raise NotFound(f"{path}: {problem.strerror}") from None


def _write(path: Path, text: str) -> None:
    """In the place of the file at once, after all rules in it were understood. Raises ConfigError, BadRequest."""
    try:
        with atomic_replacement(path) as draft:
            draft.write_text(text, "utf-8")
            load_rule_files([draft])
    except OSError as problem:
        raise BadRequest(f"{path}: {problem.strerror}") from None


def _threshold_change_event(rule: str, wanted: ThresholdChange) -> StateSql:
    """An event, so that charts show when it was, and the list of changes who did it."""
    was = f" from {_number(wanted.was)}" if wanted.was is not None else ""
    title = f"{rule}: threshold{was} to {_number(wanted.value)}"
    columns = '"at", kind, title, detail, source'
    sql = f"INSERT INTO events ({columns}) VALUES (now()::TIMESTAMP, 'config', $title, $detail, $source)"
    return sql, {"title": title, "detail": json.dumps({"rule": rule}), "source": wanted.who or "api"}
