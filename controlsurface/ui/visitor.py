"""Who looks at the dashboard: the token shown at sign-in says it, and the collector decides what its owner may do."""

import hmac
import os
from collections.abc import Mapping
from hashlib import sha256

import orjson
import streamlit as st

COOKIE = "controlsurface"
PEOPLE = "CONTROLSURFACE_PEOPLE"  # JSON: token -> name


def people() -> Mapping[str, str]:
    """Everyone who may sign in, by token; the server's own token has no name. Empty where no token is asked for."""
    own = os.environ.get("CONTROLSURFACE_TOKEN", "")
    return {own: "", **orjson.loads(os.environ.get(PEOPLE) or "{}")} if own else {}


def proof(token: str) -> str:
    """What the cookie of a token's owner holds: not the token, and not to be made without it."""
    return hmac.new(token.encode(), b"dashboard cookie", sha256).hexdigest()


def token() -> str:
    """This visitor's token, by the cookie where several could be; empty where none is asked for or none is known."""
    known = people()
    return _owned(known, st.context.cookies.get(COOKIE, "")) if len(known) > 1 else next(iter(known), "")


def name() -> str:
    """This visitor's name; empty where the server cannot tell."""
    return people().get(token(), "")


def _owned(known: Mapping[str, str], shown: str) -> str:
    """The token whose proof is shown; takes as long for a near miss as for a far one."""
    found = [each for each in known if hmac.compare_digest(shown.encode(), proof(each).encode())]
    return found[0] if found else ""
