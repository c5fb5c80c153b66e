"""A sign-in to the dashboard: a cookie with a random name, the time of its issue, and a proof made with the token.

The proof is not to be made without the token, and says nothing about it. What was signed out is remembered until it
would have ended by itself; a new start of the dashboard forgets that, and no more.
"""

import hmac
import secrets
import time
from collections.abc import Iterable
from hashlib import sha256

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
