"""Who looks at the dashboard: the token shown at sign-in says it, and the collector decides what its owner may do."""

import os
from collections.abc import Mapping
from typing import Literal

import orjson
import streamlit as st

from controlsurface.ui.data import session_cookie
from controlsurface.web.dashboard_access import DashboardAccess

COOKIE_NAME = "controlsurface"
USERS_ENVIRONMENT = "CONTROLSURFACE_PEOPLE"  # JSON: token -> name


def users_by_token() -> Mapping[str, str]:
    """Everyone who may sign in, by token; the server's own token has no name. Empty where no token is asked for."""
    own = os.environ.get("CONTROLSURFACE_TOKEN", "")
    return {own: "", **orjson.loads(os.environ.get(USERS_ENVIRONMENT) or "{}")} if own else {}


def visitor_token() -> str:
    """This visitor's token, by the cookie; empty where none is asked for, or the sign-in is over."""
    known = users_by_token()
    if not known:
        return ""
    age_s = DashboardAccess.told().auth.session_age.total_seconds()
    return session_cookie.cookie_owner(st.context.cookies.get(COOKIE_NAME, ""), known, age_s)


def visitor_name() -> str:
    """This visitor's name; empty where the server cannot tell."""
    return users_by_token().get(visitor_token(), "")


def name_field(
    label: str, key: str, *, width: int | Literal["stretch"] = "stretch", bind: Literal["query-params"] | None = None
) -> str:
    """Who does something on a page: whoever signed in under a name, else who is written here; without blanks around."""
    if known := visitor_name():
        return st.text_input(label, known, key=f"signed in: {key}", disabled=True, width=width)
    return st.text_input(label, key=key, max_chars=100, placeholder="Your name", width=width, bind=bind).strip()


def is_signed_out() -> bool:
    """Whether a token is asked for and this visitor's sign-in has ended while the page was open."""
    return bool(users_by_token()) and not visitor_token()
