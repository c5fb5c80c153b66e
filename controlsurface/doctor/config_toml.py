"""The configuration in force as TOML that reads back the same, but for what is secret and never printed."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, get_args, get_origin
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from controlsurface.config import Config
from controlsurface.config.section import SensitiveAddress, SensitiveText
from controlsurface.formatting import format_period

HIDDEN_TEXT = "(hidden)"  # too short for a token: a configuration that is printed starts no server by mistake
_REFERENCE = re.compile(r"(env|file):.+")
_PUBLIC_PATHS = frozenset({"", "/", "/v2/enqueue"})  # paths that let nobody in


def mask_value(info: FieldInfo, value: object) -> object:
    """The value of a field as it may be printed."""
    if not isinstance(value, str) or not value:
        return value
    kinds = {type(each) for each in (*info.metadata, *_marks(info.annotation))}
    if SensitiveText in kinds:
        return HIDDEN_TEXT
    return mask_address(value) if SensitiveAddress in kinds else value


def mask_address(text: str) -> str:
    """Scheme, host and port; the path of a hook, its query and who signs in are its secret.

    >>> mask_address("https://ops:s3cret@hooks.example.com:444/services/T0/B0/x?key=y")
    'https://(hidden)@hooks.example.com:444/(hidden)'
    >>> mask_address("env:HOOK"), mask_address("http://127.0.0.1:8501")
    ('env:HOOK', 'http://127.0.0.1:8501')
    """
    if _REFERENCE.fullmatch(text):
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return HIDDEN_TEXT
    if not parts.netloc:
        return HIDDEN_TEXT
    user, at, host = parts.netloc.rpartition("@")
    path = parts.path if parts.path in _PUBLIC_PATHS and not (parts.query or parts.fragment) else f"/{HIDDEN_TEXT}"
    return urlunsplit((parts.scheme, f"{HIDDEN_TEXT}@{host}" if at and user else host, path, "", ""))


def _marks(annotation: object) -> tuple[object, ...]:
    """What an annotation says besides its type."""
    return tuple(each for each in get_args(annotation) if not isinstance(each, type))


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
            line = f"{_key(key)} = {_value(mask_value(info, value))}" if value is not None else f"# {_key(key)} ="
            yield f"{line}{_comment(info)}"  # TOML has no word for what is not set
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
