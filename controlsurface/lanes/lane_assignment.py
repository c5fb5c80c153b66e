"""A model is put into a lane by whoever looks at it: the command, and the configuration file's text after it."""

import tomllib
from collections.abc import Mapping, MutableMapping
from fnmatch import fnmatchcase
from glob import escape
from typing import Any

import tomlkit
from pydantic import Field
from tomlkit.exceptions import TOMLKitError

from controlsurface.config import Config, LaneConfig, parse_config
from controlsurface.errors import BadRequest, ConfigError, UnknownName
from controlsurface.query.arguments import Arguments, ArgumentText


def assign_in_config(
    text: str, file: str, model: str, lane: str, assumed: Mapping[str, LaneConfig] | None = None
) -> tuple[str, Config]:
    """The text of `file` with `model` (as lanes name it) in `lane`, and what it then says.

    `assumed` are the lanes in force where the file names none: they are written down with it.

    Raises ConfigError where the file is wrong, UnknownName for the lane, BadRequest where an earlier lane has a glob
    that takes the model all the same.
    """
    try:
        document = tomlkit.parse(text)
        before = parse_config(tomllib.loads(text), file)
    except (TOMLKitError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"{file}: {problem}") from None
    if before.lanes_assumed and assumed:
        before = before.model_copy(update={"lanes": dict(assumed)})
    if lane not in before.lanes:
        raise UnknownName("lane", lane, before.lanes)
    _move(_lanes(document, before), escape(model), lane)
    after = tomlkit.dumps(document)
    config = parse_config(tomllib.loads(after), file)
    _must_take(config.lanes, model, lane, file)
    return after, config


def matching_lane(lanes: Mapping[str, LaneConfig], model: str) -> tuple[str, str] | None:
    """The first lane with a glob that takes the model, and that glob."""
    globs = ((name, glob) for name, lane in lanes.items() for glob in lane.models)
    return next(((name, glob) for name, glob in globs if fnmatchcase(model, glob.lower())), None)


def _lanes(document: MutableMapping[str, Any], config: Config) -> MutableMapping[str, Any]:
    """The lanes of the file; where it has none, those in force are written down, for lanes of a file are all lanes."""
    if "lanes" not in document:
        document["lanes"] = {name: _plain(lane) for name, lane in config.lanes.items()}
    lanes: MutableMapping[str, Any] = document["lanes"]
    return lanes


def _plain(lane: LaneConfig) -> dict[str, Any]:
    """What of a lane differs from an empty one."""
    said = lane.model_dump(exclude_defaults=True)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}


def _move(lanes: MutableMapping[str, Any], glob: str, lane: str) -> None:
    """Take the glob out of every other lane, and put it into this one."""
    for name, table in lanes.items():
        models = table.get("models", [])
        if name != lane and glob in models:
            models.remove(glob)
        if name == lane and glob not in models:
            table["models"] = [glob] if "models" not in table else models
            models.append(glob)


def _must_take(lanes: Mapping[str, LaneConfig], model: str, lane: str, file: str) -> None:
    """Raises BadRequest where another lane still comes first."""
    found = matching_lane(lanes, model)
    if found and found[0] != lane:
        raise BadRequest(f"{file}: lanes.{found[0]} comes first and takes '{model}' by '{found[1]}'; change it there")


class LaneAssignment(Arguments):
    """Which model belongs to which lane."""

    model: ArgumentText = Field(min_length=1, description="name of the model, with or without provider prefix")
    lane: ArgumentText = Field(min_length=1, description="a lane of the configuration")
    source: ArgumentText = Field("api", min_length=1, description="who says so")
