"""HTML templates, each beside the module that fills it; every value is escaped."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template


@cache
def template_beside(module: str, **filters: Callable[..., Any]) -> Template:
    """The template of a module, given its `__file__`: the same name with `.html`."""
    path = Path(module).with_suffix(".html")
    environment = Environment(
        loader=FileSystemLoader(path.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= filters
    return environment.get_template(path.name)
