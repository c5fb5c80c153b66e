"""The configuration in force, every key with its value but what is secret, as TOML that reads back the same."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from controlsurface.config import Config
from controlsurface.doctor.secret_masks import mask_value
from controlsurface.formatting import format_period


def config_as_toml(config: Config) -> str:
    """Every table and key, each with what it means; lanes that nobody wrote are not there, for they are assumed."""
    return "\n".join(_table(config, ())).strip() + "\n"


def _table(model: BaseModel, place: tuple[str, ...]) -> Iterator[str]:
    """The lines of one table: its own keys first, then the tables in it."""
    fields = [(info.alias or name, info, getattr(model, name)) for name, info in type(model).model_fields.items()]
    if place:
        yield from ("", f"[{'.'.join(map(_key, place))}]")
    for key, info, value in fields:
        if not (isinstance(value, BaseModel) or _is_table_per_name(info) or _tabular(info)):
            yield f"{_key(key)} = {_value(mask_value(info, value))}{_comment(info)}"
    for key, info, value in fields:
        if _is_table_per_name(info) or _tabular(info):
            yield from ("", f"# {key}: {info.description}")
        if isinstance(model, Config) and key == "lanes" and model.lanes_assumed:
            continue
        for name, inner in _tables(key, value) if isinstance(value, BaseModel) or _is_table_per_name(info) else ():
            yield from _table(inner, (*place, *name))
        for inner in value if _tabular(info) else ():
            head, *lines = list(_table(inner, (*place, key)))[1:]
            yield from ("", f"[{head}]", *lines)


def _tabular(info: FieldInfo) -> bool:
    """Whether a field is a list of tables."""
    inner = get_args(info.annotation)
    return get_origin(info.annotation) is tuple and _is_table(inner[0])


def _is_table_per_name(info: FieldInfo) -> bool:
    """Whether a field holds a table for each name."""
    inner = get_args(info.annotation)
    return get_origin(info.annotation) in {dict, Mapping} and _is_table(inner[1])


def _is_table(kind: object) -> bool:
    """Whether a type is a model, or a choice of several."""
    return (isinstance(kind, type) and issubclass(kind, BaseModel)) or any(map(_is_table, get_args(kind)))


def _tables(key: str, value: object) -> Iterator[tuple[tuple[str, ...], BaseModel]]:
    """The tables a field holds: itself, or one for each name."""
    if isinstance(value, BaseModel):
        yield (key,), value
    elif isinstance(value, Mapping):
        yield from (((key, name), inner) for name, inner in value.items())


def _comment(info: FieldInfo) -> str:
    return f"  # {info.description}" if info.description else ""


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else json.dumps(name)


def _value(value: Any) -> str:
    """A TOML value; JSON's strings, numbers and truth values are TOML's."""
    if isinstance(value, timedelta):
        return json.dumps(format_period(value))
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(name)} = {_value(inner)}" for name, inner in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return json.dumps(value)
