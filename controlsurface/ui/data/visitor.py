"""Who looks at the dashboard: a sign-in's cookie and its proof, and the token, about which the collector decides."""

import hmac
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Literal

import orjson
import streamlit as st

from controlsurface.web.dashboard_access import DashboardAccess

NAME_BYTES = 16
MAX_REVOKED = 10_000  # sign-outs in memory, newest last

_revoked: dict[str, float] = {}  # one for the process: the server's border and the pages' threads look at it


def issue_cookie(token: str, now: float | None = None) -> str:
    """A new cookie for the owner of this token."""
    about = f"{secrets.token_urlsafe(NAME_BYTES)}.{int(time.time() if now is None else now)}"
    return f"{about}.{_proof(token, about)}"


def cookie_owner(cookie: str, tokens: Iterable[str], age_s: float, now: float | None = None) -> str:
    """The token whose owner holds this cookie; empty where it is nobody's, too old, or signed out.

    Takes as long for a near miss as for a far one.
    """
    about, _, proof = cookie.rpartition(".")
    name, _, issued = about.rpartition(".")
    shown = proof.encode()
    found = [each for each in tokens if hmac.compare_digest(shown, _proof(each, about).encode())]
    if not found or name in _revoked or not issued.isdigit():
        return ""
    passed_s = (time.time() if now is None else now) - int(issued)
    return found[0] if -1 <= passed_s <= age_s else ""


def revoke_cookie(cookie: str) -> None:
    """End this sign-in, for every browser that has its cookie."""
    _revoked[cookie.partition(".")[0]] = time.time()
    while len(_revoked) > MAX_REVOKED:
        del _revoked[next(iter(_revoked))]


def _proof(token: str, about: str) -> str:
    return hmac.new(token.encode(), f"dashboard session {about}".encode(), sha256).hexdigest()


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
    return cookie_owner(st.context.cookies.get(COOKIE_NAME, ""), known, age_s)


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
