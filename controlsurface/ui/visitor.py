"""Who looks at the dashboard: the token shown at sign-in says it, and the collector decides what its owner may do."""

import os
from collections.abc import Mapping

import orjson
import streamlit as st

from controlsurface.ui.app import session
from controlsurface.web.environment import Access

COOKIE = "controlsurface"
PEOPLE = "CONTROLSURFACE_PEOPLE"  # JSON: token -> name


def people() -> Mapping[str, str]:
    """Everyone who may sign in, by token; the server's own token has no name. Empty where no token is asked for."""
    own = os.environ.get("CONTROLSURFACE_TOKEN", "")
    return {own: "", **orjson.loads(os.environ.get(PEOPLE) or "{}")} if own else {}


def token() -> str:
    """This visitor's token, by the cookie; empty where none is asked for, or the sign-in is over."""
    known = people()
    if not known:
        return ""
    age_s = Access.told().auth.session_age.total_seconds()
    return session.owner(st.context.cookies.get(COOKIE, ""), known, age_s)


def name() -> str:
    """This visitor's name; empty where the server cannot tell."""
    return people().get(token(), "")


def signed_out() -> bool:
    """Whether a token is asked for and this visitor's sign-in has ended while the page was open."""
    return bool(people()) and not token()
