"""What of the configuration is never printed: texts that are secret, and the part of an address that lets one in."""

import re
from typing import get_args
from urllib.parse import urlsplit, urlunsplit

from pydantic.fields import FieldInfo

from controlsurface.config.section import SensitiveAddress, SensitiveText

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
