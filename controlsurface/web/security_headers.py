"""The headers of every answer that browsers hold pages to (OWASP Secure Headers Project)."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

_COMMON_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": under it a form of our own page says that it comes from the origin "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
API_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        **_COMMON_HEADERS,
        "X-Frame-Options": "DENY",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    }
)


def dashboard_headers(scripts: Iterable[str], frame_ancestors: Iterable[str] = ()) -> dict[str, str]:
    """Of pages: nothing is loaded from elsewhere, and no inline script runs but those with these hashes.

    Streamlit 1.67 writes its styles inline, draws icons as data, and makes workers and downloads of blobs.
    """
    ancestors = list(frame_ancestors)
    policy = {
        "default-src": "'self'",
        "script-src": " ".join(("'self'", "'wasm-unsafe-eval'", *(f"'{each}'" for each in scripts))),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(ancestors) or "'none'",
    }
    told = "; ".join(f"{name} {value}" for name, value in policy.items())
    framed = {} if ancestors else {"X-Frame-Options": "DENY"}
    return {**_COMMON_HEADERS, **framed, "Content-Security-Policy": told}
