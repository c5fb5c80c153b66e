"""Secrets by reference: the environment or a file holds them, and nothing else ever does."""

import os
from pathlib import Path

from controlsurface.errors import ConfigError


def resolve_secret(reference: str) -> str:
    """What `env:NAME` or `file:/path` holds, without the blanks around it. Raises ConfigError."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        found = os.environ.get(name, "")
    else:
        try:
            found = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise ConfigError(f"{reference}: {getattr(problem, 'strerror', None) or 'is no text'}") from None
    if not found.strip():
        raise ConfigError(f"{reference}: holds nothing")
    return found.strip()


def resolve_url(text: str) -> str:
    """An address, or what the reference in its place holds. Raises ConfigError unless it is http or https."""
    found = resolve_secret(text) if text.startswith(("env:", "file:")) else text
    if not found.startswith(("http://", "https://")):
        raise ConfigError(f"{text if found != text else 'url'}: is no http or https address")
    return found
