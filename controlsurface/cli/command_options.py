"""Options that several commands share, and what they default to."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from controlsurface.audit.comparators import install_comparators
from controlsurface.client import Client, LocalClient, connect_client
from controlsurface.config import Config, load_config, parse_duration
from controlsurface.config.rule_folders import make_rules_folder, with_rule_folders
from controlsurface.errors import BadRequest, NotFound
from controlsurface.store.duckdb import STORE_FILE

Command = Callable[..., Any]


def default_data_folder() -> Path:
    """Where data lies unless --data says otherwise (XDG base directory specification)."""
    root = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(root).expanduser() / "controlsurface"


def data_option(command: Command) -> Command:
    """`--data DIR`."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="CONTROLSURFACE_DATA",
        default=default_data_folder,
        show_default="$XDG_DATA_HOME/controlsurface",
        help="Data directory.",
    )(command)


def json_option(command: Command) -> Command:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")(command)


def port_option(flag: str, default: int | None, what: str) -> Callable[[Command], Command]:
    """A port; 0 means any that is free."""
    kind = click.IntRange(0, 65535)
    return click.option(flag, type=kind, default=default, show_default=default is not None, help=what)


class DurationType(click.ParamType[timedelta]):
    """`90s`, `15m`, `28d`."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The text as a timedelta, or wrong usage."""
        try:
            found = parse_duration(value)
        except ValueError as problem:
            self.fail(str(problem), param, ctx)
        assert isinstance(found, timedelta)  # noqa: S101 - text and defaults are all there is
        return found


DURATION = DurationType()


def parse_filter(text: str) -> str:
    """`k=v` as the API's `k:v`. Raises BadRequest without the sign."""
    name, sign, value = text.partition("=")
    if not sign:
        raise BadRequest(f"--where {text}: write DIMENSION=VALUE")
    return f"{name}:{value}"


def open_client(data: Path) -> Client:
    """A reader of what is stored, through the server that owns it if one does. Raises NotFound where nothing is."""
    if not (data / STORE_FILE).exists():
        raise NotFound(f"{data}: nothing is stored here; `controlsurface serve` begins it, --data names another place")
    config = with_rule_folders(active_config(), (), data.absolute())
    make_rules_folder(data)
    reader = connect_client(data, config.auth.token or None, config=config)
    if isinstance(reader, LocalClient):  # a server has done so already
        reader.write(install_comparators(config.audit))
    return reader


def config_file() -> Path | None:
    """The configuration file that the command was started with, if there is one."""
    found: Path | None = click.get_current_context().obj
    return found


def active_config() -> Config:
    """The configuration the command was started with. Raises ConfigError."""
    return load_config(config_file())
