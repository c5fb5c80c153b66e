"""The inline scripts that the dashboard's document has: those a browser may run, by their hashes (CSP level 3)."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import streamlit

from controlsurface.ui.app.default_theme import THEME_SCRIPT

_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def script_hashes() -> tuple[str, ...]:
    """Of our own script, and of those in Streamlit's document."""
    document = (Path(streamlit.__file__).parent / "static" / "index.html").read_bytes()
    return tuple(dict.fromkeys(map(_hash, _INLINE.findall(THEME_SCRIPT + document))))


def _hash(script: bytes) -> str:
    """As a Content-Security-Policy names it.

    >>> _hash(b"alert('Hello, world.');")
    'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='
    """
    return f"sha256-{b64encode(sha256(script).digest()).decode()}"
