"""Scripts of the dashboard's document (dark first; nobody answers), and hashes of those that may run (CSP 3)."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import streamlit
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controlsurface.ui.elements.html_tags import CSS_FILE
from controlsurface.ui.elements.page_links import SHARED_PARAMETERS

# Streamlit 1.67 reads this key when the page loads, one for each address, and follows the system where it is missing.
# It has no setting for a default theme that leaves the choice to the visitor.
# Another choice loads the page anew: figures and rules are drawn by the server, in the colours of one theme.
THEME_SCRIPT = b"""<script>
(() => {
  const theirs = "stActiveTheme-" + location.pathname + "-v2", ours = "controlsurface-theme";
  const paint = (name) => {
    const light = name === '"Light"' || (name !== '"Dark"' && matchMedia("(prefers-color-scheme: light)").matches);
    document.documentElement.style.background = light ? "#fff" : "#0b0e13";
  };
  const shown = localStorage[theirs] = localStorage[ours] ?? localStorage[theirs] ?? '"Dark"';
  paint(shown);
  setInterval(() => {
    const chosen = localStorage[theirs] ?? '"System"';
    if (chosen === shown) return;
    localStorage[ours] = chosen;
    location.reload();
  }, 300);
})();
</script>"""

# Asks beside Streamlit's connection, which says nothing while a run waits for a collector that hangs: a script of the
# page could not. The bar stands in the main area above what was drawn last, and comes back if a page took it out.
HEALTH_SCRIPT = b"""<script>
(() => {
  const bar = Object.assign(document.createElement("div"), {className: "cs-silent"});
  bar.setAttribute("role", "alert");
  const say = (notice) => {
    const main = document.querySelector("[data-testid=stMain]");
    if (!notice || !main) return bar.remove();
    if (bar.textContent !== notice) bar.textContent = notice;
    if (bar.parentNode !== main) main.prepend(bar);
  };
  const look = async () => {
    let notice = "No answer from the dashboard's server. What is shown is from before; this page goes on by itself.";
    try {
      const local = new URLSearchParams(location.search).get("tz") === "Local";
      const address = `/collector-health?minutes=${local ? -new Date().getTimezoneOffset() : 0}`;
      const answer = await fetch(address, {cache: "no-store", signal: AbortSignal.timeout(2000)});
      notice = answer.ok ? (await answer.json()).notice : "";
    } catch {}
    say(notice);
    setTimeout(look, 1000);
  };
  setTimeout(look, 1000);
})();
</script>"""

# Enter applies a field; the keys that follow are for the page, as shortcuts, and no part of the text any more.
FIELD_SCRIPT = b"""<script>
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.isComposing && event.target.closest?.("[data-testid=stTextInput]"))
    setTimeout(() => event.target.blur());
});
</script>"""

# Pages are one app: a deep link finds its server without asking under each folder of its path (Streamlit 1.67 reads the
# address when it loads); a link to a page is a step inside it, and so is what a control writes into the address, which
# Streamlit writes over the entry of before. Any step, also back and forward, waits up to two seconds for a run to end,
# then loads its page anew: a run that is stopped for another address leaves range and filters at their defaults. The
# menu's own links would keep only what is in controls that are drawn already. A page is asked for again where it does
# not come: a timer's request of the same moment takes the place of the one for the page. Until it has come, what the
# server writes into the address (a path; controls write whole addresses) takes no range and no filter out: on a busy
# machine the request for a page tells of no control, and Streamlit forgets the parameters of those it takes for gone.
ADDRESS_SCRIPT = b"""<script>
(() => {
  const SHARED_PARAMETERS = %b;
  window.__streamlit = {BACKEND_BASE_URL: location.origin};
  const replace = history.replaceState.bind(history);
  history.replaceState = (state, unused, url) => {
    const next = new URL(url ?? location, location.href);
    const now = new URL(location.href), zoom = (each) => each.searchParams.get("zoom");  // a page keeps it by itself
    const chosen = next.pathname === now.pathname && next.search !== now.search && zoom(next) === zoom(now);
    if (asked?.pathname === next.pathname && url?.startsWith?.("/")) replace(state, unused, complete(next));
    else if (chosen && navigator.userActivation?.isActive) history.pushState(state, unused, url);
    else replace(state, unused, url);
  };
  let asked = null;
  const complete = (next) => {
    const lost = SHARED_PARAMETERS.filter((name) => !next.searchParams.has(name));
    for (const name of lost) for (const value of asked.searchParams.getAll(name)) next.searchParams.append(name, value);
    return next.href;
  };
  const MENU = "[data-testid=stTopNavLink], [data-testid=stTopNavDropdownLink], [data-testid=stSidebarNavLink]";
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.cs-link, " + MENU);
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const address = new URL(link.href);
    if (!link.matches(".cs-link")) {
      const shared = [...new URLSearchParams(location.search)].filter(([name]) => SHARED_PARAMETERS.includes(name));
      address.search = new URLSearchParams(shared);
    }
    step(address.href, history.pushState.bind(history));
  }, true);
  addEventListener("popstate", (event) => {
    if (!event.isTrusted) return;
    event.stopImmediatePropagation();
    step(location.href, replace);
  });
  let waiting;
  const isRunning = () =>
    ["running", "rerunRequested"].includes(document.querySelector("[data-testid=stApp]")?.dataset.testScriptState);
  const step = (address, write, tries = 3, looks = 40) => {
    clearTimeout(waiting);
    if (isRunning() && looks) return waiting = setTimeout(step, 50, address, write, tries, looks - 1);
    if (isRunning() || !tries) return location.href = address;
    if (location.href !== address) write(null, "", address);  // what ran meanwhile may have written its own
    asked = new URL(address);
    dispatchEvent(new PopStateEvent("popstate", {state: history.state}));
    waiting = setTimeout(look, 500, tries - 1);
  };
  const look = (tries) => {
    if (isRunning()) return waiting = setTimeout(look, 100, tries);
    const shown = document.querySelector("h1.cs-page");
    if (shown && shown.dataset.page !== location.pathname.split("/").pop()) step(location.href, replace, tries);
    else asked = null;
  };
})();
</script>""" % json.dumps(SHARED_PARAMETERS).encode()

# On a phone the pages are listed in the sidebar, which covers the page that was chosen in it.
MENU_SCRIPT = b"""<script>
document.addEventListener("click", (event) => {
  if (innerWidth <= 768 && event.target.closest?.("[data-testid=stSidebarNavLink]"))
    setTimeout(() => document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click());
}, true);
</script>"""

# Rules of the app come with its first message, and elements after their code was loaded: what stands would move.
FIRST_PAINT_STYLE = b"<style>%b%b</style>" % (
    Path(__file__).with_name("first_paint.css").read_bytes(),
    CSS_FILE.read_bytes(),
)

SCRIPTS = THEME_SCRIPT + FIRST_PAINT_STYLE + HEALTH_SCRIPT + FIELD_SCRIPT + ADDRESS_SCRIPT + MENU_SCRIPT

Headers = Iterable[tuple[bytes, bytes]]


class DocumentScriptsMiddleware:
    """Puts SCRIPTS into every HTML document; everything else passes as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `scope`, the document uncompressed so that it can be written into."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        plain = {**scope, "headers": _drop_header(scope["headers"], b"accept-encoding")}
        await self.app(plain, receive, _Document(send).pass_on)


class _Document:
    """Holds an HTML response back until it is complete."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.start: Message | None = None
        self.body = b""

    async def pass_on(self, message: Message) -> None:
        """Send `message`, or the whole document once its last part is here."""
        if message["type"] == "http.response.start" and _is_html(message["headers"]):
            self.start = message
        elif self.start is None:
            await self.send(message)
        else:
            await self._collect(self.start, message)

    async def _collect(self, start: Message, message: Message) -> None:
        self.body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = self.body.replace(b"<head>", b"<head>" + SCRIPTS, 1)
        headers = [*_drop_header(start["headers"], b"content-length"), (b"content-length", str(len(body)).encode())]
        await self.send({**start, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


def _is_html(headers: Headers) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in headers)


def _drop_header(headers: Headers, dropped: bytes) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() != dropped]


_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def script_hashes() -> tuple[str, ...]:
    """Of our own scripts, and of those in Streamlit's document."""
    document = (Path(streamlit.__file__).parent / "static" / "index.html").read_bytes()
    return tuple(dict.fromkeys(map(_hash, _INLINE.findall(SCRIPTS + document))))


def _hash(script: bytes) -> str:
    """As a Content-Security-Policy names it.

    >>> _hash(b"alert('Hello, world.');")
    'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='
    """
    return f"sha256-{b64encode(sha256(script).digest()).decode()}"
