"""What a dashboard costs its server and its users; a program, not a test.

    controlsurface serve --demo --port 8501 &
    python -m tests.browser.measure http://127.0.0.1:8501 --sessions 20

Sessions speak Streamlit's own protocol, so no browser is counted in. Processor time and memory are those of the
dashboard's process, from /proc (Linux). `--browser` adds what a reader waits for in Chromium.
"""

import argparse
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count, cycle
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.gestures import TABLE, choose, ready, settled

PAGES = ("", "triage", "alerts", "routing", "latency", "cost", "quality", "what_if", "compare", "traces", "data")
RERUNS = 10
TIMES = 5  # that a reader does the same
MB = 1 << 20


def main() -> None:
    """Print a line for each figure."""
    given = _arguments()
    pid = given.pid or _listener(given.url)
    say("memory of the process, MB", _memory(pid))
    for page in PAGES:
        _hot_rerun(given.url, pid, page)
    _many(given.url, pid, given.sessions)
    if given.browser:
        _seen(given.url)


def say(what: str, value: float) -> None:
    """One line on standard output."""
    print(f"{what}\t{value:.1f}", flush=True)  # noqa: T201 -- standard output is data


def session(url: str) -> ClientConnection:
    """A new session, as a browser opens it."""
    address = url.replace("http", "ws", 1).rstrip("/") + "/_stcore/stream"
    return connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=30)  # type: ignore[list-item]


def run(stream: ClientConnection, query: str, page: str = "") -> float:
    """Have the script run for an address; milliseconds until it is done."""
    began = time.perf_counter()
    ask = BackMsg()
    ask.rerun_script.query_string = query
    ask.rerun_script.page_name = page
    stream.send(ask.SerializeToString())
    while True:
        said = ForwardMsg.FromString(bytes(stream.recv(60)))  # type: ignore[arg-type]
        if said.WhichOneof("type") == "script_finished":
            return (time.perf_counter() - began) * 1e3


def _hot_rerun(url: str, pid: int, page: str) -> None:
    """What it costs to draw a page that has been drawn."""
    with session(url) as stream:
        for _ in range(2):
            run(stream, "range=7d", page)
        took, cpu = zip(*(_timed(pid, lambda: run(stream, "range=7d", page)) for _ in range(RERUNS)), strict=True)
    name = page or "overview"
    say(f"{name}: hot rerun, processor ms (median)", median(cpu))
    say(f"{name}: hot rerun, ms (median)", median(took))


def _many(url: str, pid: int, count: int) -> None:
    """Sessions that change the range at the same time."""
    before = _memory(pid)
    with ExitStack() as open_ones, ThreadPoolExecutor(count) as pool:
        streams = [open_ones.enter_context(session(url)) for _ in range(count)]
        ranges = [list(pool.map(run, streams, [f"range={span}"] * count)) for span in ("24h", "7d", "3d", "28d")]
        changed = [ms for each in ranges[1:] for ms in each]
        say(f"{count} sessions at once, range change, ms (p95)", quantiles(changed, n=20)[-1])
        say("memory a session, MB", (_memory(pid) - before) / count)
        say("memory of the process, MB", _memory(pid))


def _seen(url: str) -> None:
    """What a reader waits for: the first load, another range, the way from a row to its waterfall."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 1100})
        page.set_default_timeout(60_000)
        say("cold load, ms", _took(lambda: ready(page, url, ".js-plotly-plot")))
        ranges = cycle(["3d", "7d"])

        def other_range() -> None:
            span = next(ranges)
            page.get_by_text(span, exact=True).click()
            page.wait_for_url(re.compile(f"range={span}"))
            settled(page)

        other_range()
        say("range change, ms (median)", median(_took(other_range) for _ in range(TIMES)))
        ready(page, f"{url}/traces?range=7d", TABLE)
        rows = count(1)
        choose(page, 0)
        page.wait_for_selector(".cs-fall")

        def other_row() -> None:
            said = page.locator(".cs-why").inner_text()
            choose(page, next(rows))
            page.wait_for_function("said => document.querySelector('.cs-why')?.innerText !== said", arg=said)
            page.wait_for_selector(".cs-fall")

        say("row to waterfall, ms (median)", median(_took(other_row) for _ in range(TIMES)))
        ready(page, f"{url}/what_if?range=7d", ".cs-tile")
        slider = page.get_by_role("slider").first
        slider.focus()

        def one_step() -> None:
            said = page.locator(".cs-tiles").first.inner_text()
            slider.press("ArrowRight")
            page.wait_for_function("said => document.querySelector('.cs-tiles')?.innerText !== said", arg=said)
            settled(page)

        one_step()
        say("what-if step, ms (median)", median(_took(one_step) for _ in range(TIMES)))
        browser.close()


def _took(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1e3


def _timed(pid: int, act: Callable[[], float]) -> tuple[float, float]:
    """What `act` says, and the processor milliseconds that the process spent meanwhile."""
    before = _processor(pid)
    return act(), _processor(pid) - before


def _processor(pid: int) -> float:
    """User and system time of a process, ms."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Resident memory of a process, MB."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / MB


def _listener(url: str) -> int:
    """The dashboard's process, by the port in its command line."""
    port = url.rstrip("/").rpartition(":")[2]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        words = path.read_bytes().split(b"\0")
        if b"streamlit" in words and port.encode() in words:
            return int(path.parent.name)
    raise SystemExit(f"no dashboard process names port {port}; --pid says which it is")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.measure", description=__doc__)
    parser.add_argument("url", help="of the dashboard")
    parser.add_argument("--pid", type=int, help="of the dashboard's process; found by the port otherwise")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--browser", action="store_true", help="measure in Chromium as well")
    return parser.parse_args()


if __name__ == "__main__":
    main()
