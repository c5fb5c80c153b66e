"""The parts of the documentation that the code knows better: `make docs` writes them, a test compares them."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from controlsurface.api.openapi import openapi_document
from controlsurface.cli import controlsurface as command_line
from controlsurface.config import Config, LaneConfig
from controlsurface.config.alert_delivery import (
    AlertmanagerConfig,
    AppriseConfig,
    EmailConfig,
    InhibitConfig,
    MuteTimeConfig,
    PagerDutyConfig,
    RouteConfig,
    SlackConfig,
    WebhookConfig,
)
from controlsurface.config.budgets import BudgetConfig
from controlsurface.ingest.translate.vocabulary import COLUMN_KINDS
from controlsurface.metrics.catalog import CATALOG
from tests.project import tree
from tests.redaction import recall

UNITS = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "m"),
    (timedelta(seconds=1), "s"),
    (timedelta(milliseconds=1), "ms"),
)
BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def metrics() -> str:
    rows = ((f"`{m.id}`", m.unit, m.better, m.help) for m in CATALOG.values())
    return table(("metric", "unit", "better", "meaning"), rows)


def configuration() -> str:
    rows = ((f"`{key}`", f"`{value}`", meaning) for key, value, meaning in _keys(Config))
    return table(("key", "default", "meaning"), rows)


def commands() -> str:
    rows = (
        (f"`{name}`", command.get_short_help_str(200)) for name, command in _commands("controlsurface", command_line)
    )
    return table(("command", "does"), rows)


def _commands(name: str, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Every command with its whole name; those of a group behind it."""
    context = group.make_context(name, [], resilient_parsing=True)
    for each in group.list_commands(context):
        if command := group.get_command(context, each):
            yield f"{name} {each}", command
            yield from _commands(f"{name} {each}", command) if isinstance(command, click.Group) else ()


def vocabularies() -> str:
    tables = (tomllib.loads(path.read_text("utf-8")) for path in sorted((tree.ROOT / "collectors").glob("*.toml")))
    rows = ((f"[`{t['name']}`](../collectors/{t['name']}.toml)", t["about"]) for t in tables)
    return table(("vocabulary", "what it is"), rows)


def columns() -> str:
    kinds = {"text": "text", "count": "whole number", "number": "number", "flag": "true or false"}
    rows = (
        (ours, ", ".join(f"`{c}`" for c, kind in COLUMN_KINDS.items() if kind == name)) for name, ours in kinds.items()
    )
    return table(("type", "columns"), rows)


def _keys(model: type[BaseModel], place: str = "") -> Iterator[tuple[str, str, str]]:
    """Every key of the configuration with its default and meaning."""
    for name, field in model.model_fields.items():
        key = f"{place}{field.alias or name}"
        if key in NAMED:
            yield from _named(key, *NAMED[key])
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, f"{key}.")
        else:
            yield key, _shown(field), field.description or ""


NAMED: dict[str, tuple[type[BaseModel], ...]] = {
    "lanes": (LaneConfig,),
    "budgets": (BudgetConfig,),
    "delivery.notifiers": (WebhookConfig, SlackConfig, PagerDutyConfig, EmailConfig, AlertmanagerConfig, AppriseConfig),
    "delivery.routes": (RouteConfig,),
    "delivery.inhibit": (InhibitConfig,),
    "delivery.mute_times": (MuteTimeConfig,),
}


def _named(key: str, *models: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    """The keys of tables that have a name, or a place in a list; what several kinds share is said once."""
    seen = set()
    for model in models:
        for row in _keys(
            model, f"{key}.NAME." if len(models) > 1 or model in {LaneConfig, MuteTimeConfig} else f"{key}[]."
        ):
            if row not in seen and not row[0].endswith(".kind"):
                seen.add(row)
                kinds = get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()
                shared = all(row in list(_keys(other, f"{key}.NAME.")) for other in models)
                yield (*row[:2], row[2] if shared or not kinds else f"{kinds[0]}: {row[2]}")


def _shown(field: FieldInfo) -> str:
    """A default as one would write it in TOML."""
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        size, unit = next((size, unit) for size, unit in UNITS if value >= size)
        return f'"{value / size:g}{unit}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{each}"' for each in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def redaction() -> str:
    """What redaction finds in the corpus of the tests."""
    return table(["lines of", "n", "share"], recall.table())


def endpoints() -> str:
    """Every address of the API, with the arguments behind its question mark."""
    paths = sorted(openapi_document()["paths"].items())
    rows = (
        (f"`{method.upper()} {path}`", described["summary"], _arguments(described))
        for path, methods in paths
        for method, described in methods.items()
    )
    return table(("endpoint", "what it does", "arguments"), rows)


def _arguments(described: Mapping[str, Any]) -> str:
    """The arguments of an endpoint: those of its address, or the fields of its JSON body."""
    named = [each["name"] for each in described.get("parameters", ()) if each["in"] == "query"]
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return ", ".join(f"`{name}`" for name in (*named, *body.get("properties", ())))


BLOCKS: dict[str, Callable[[], str]] = {
    each.__name__: each for each in (metrics, configuration, commands, vocabularies, columns, redaction, endpoints)
}
DOCUMENTS = [path for path in tree.files() if path.suffix == ".md" and BLOCK.search(path.read_text("utf-8"))]


def fresh(document: Path) -> str:
    """The document as it should be."""
    return BLOCK.sub(lambda m: f"{m[1]}{BLOCKS[m[2]]()}\n{m[3]}", document.read_text("utf-8"))


if __name__ == "__main__":
    for each in DOCUMENTS:
        each.write_text(fresh(each), "utf-8")
