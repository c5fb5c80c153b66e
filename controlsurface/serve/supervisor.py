"""Keeps the parts alive: restarts what crashes, gives up on what cannot start, stops all in order."""

import asyncio
import json
import signal
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from controlsurface.client import RemoteClient
from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.client.remote_client import SERVER_FILE
from controlsurface.demo.loading_progress import DONE, PROGRESS_FILE
from controlsurface.errors import ControlSurfaceError, PartFailed, StoreInUse
from controlsurface.serve import serve_options as parts
from controlsurface.serve.child_process import ChildProcess, ProcessSpec, print_process_line, start_process
from controlsurface.serve.serve_options import ServeOptions, require_token, reserve_ports
from controlsurface.store.duckdb import store_owner

READY_LINE_ORDER = ("api", "otlp_http", "otlp_grpc", "dashboard")
FIRST_DELAY_S = 0.25
MAX_DELAY_S = 30.0
DELAY_RESET_S = 60.0  # a part that ran this long starts afresh with the shortest delay
MAX_START_ATTEMPTS = 4  # starts of a part that was never ready, before giving up
FATAL_EXIT_CODES = {2, 3, 7}  # exit codes that another start will not change: configuration, store, port
STOP_TIMEOUT_S = 10.0  # for a part that holds nothing to lose
OWNER_TIMEOUT_S = 1.0  # an owner that answers for so long is not ending
POLL_S = 0.1
COLLECTOR_STOP_S = 30.0  # for the collector; killed then, it loses nothing either: what it accepted is in the journal


def serve(options: ServeOptions) -> None:
    """Run until SIGTERM or SIGINT, then stop all parts. Raises ConfigError, PortInUse, StoreInUse, PartFailed."""
    require_token(options.host, options.config.auth.token)
    await_store_release(options.data)
    with reserve_ports(options.host, options.ports) as ports:
        asyncio.run(Supervisor(replace(options, ports=ports)).run())


def await_store_release(data: Path, patience_s: float = COLLECTOR_STOP_S) -> None:
    """Wait for an owner of the data directory that is ending: it answers nobody any more. Raises StoreInUse."""
    until, answered_s, said = time.monotonic() + patience_s, 0.0, False
    while pid := store_owner(data):
        answered_s = answered_s + POLL_S if (data / SERVER_FILE).exists() else 0.0
        if answered_s > OWNER_TIMEOUT_S or time.monotonic() > until:
            raise StoreInUse(f"{data}: in use by process {pid}; stop it, or give --data another directory")
        if not said and not answered_s:
            print_process_line("controlsurface", f"{data}: waiting for process {pid}, which is ending or starting")
            said = True
        time.sleep(POLL_S)


def restart_delay_s(failures: int) -> float:
    """Seconds to wait before the next start, after so many ends in a row."""
    return float(min(MAX_DELAY_S, FIRST_DELAY_S * 2 ** (failures - 1)))


class Supervisor:
    """One run of `serve`."""

    def __init__(self, options: ServeOptions) -> None:
        self._options = options
        self._children: dict[str, ChildProcess] = {}
        self._addresses: dict[str, str] = {}
        self._printed: list[str] = []
        self._api_up = asyncio.Event()
        self._stopping = asyncio.Event()
        self._failure: PartFailed | None = None

    async def run(self) -> None:
        """Start everything, wait for a signal or a failure, stop everything."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        keepers = [asyncio.create_task(work) for work in self._work()]
        await self._stopping.wait()
        await self._wind_down()
        await asyncio.gather(*keepers)
        if self._failure:
            raise self._failure

    def _work(self) -> list[Coroutine[None, None, None]]:
        work = [self._keep(parts.collector_process(self._options)), self._keep(parts.dashboard_process(self._options))]
        return [*work, self._simulate()] if self._options.demo else work

    def _stop(self) -> None:
        """On the first signal end well, on the second at once."""
        if self._stopping.is_set():
            for child in self._children.values():
                child.signal(signal.SIGKILL)
        self._stopping.set()
        self._api_up.set()  # whoever waits for it need not any more

    def _reload(self) -> None:
        """Have the collector read its rule files again."""
        if collector := self._children.get("collector"):
            collector.signal(signal.SIGHUP)

    async def _keep(self, part: ProcessSpec) -> None:
        """Start the part whenever it is not running."""
        failures, was_ready = 0, False
        while not self._stopping.is_set():
            began = time.monotonic()
            child, code = await self._once(part)
            if self._stopping.is_set() or part.once:
                return
            steady = time.monotonic() - began > DELAY_RESET_S
            was_ready = was_ready or steady or child.ready.is_set()
            failures = 1 if steady else failures + 1
            if not was_ready and (failures >= MAX_START_ATTEMPTS or code in FATAL_EXIT_CODES):
                self._give_up(part, code)
                return
            await self._pause(part, code, restart_delay_s(failures))

    async def _once(self, part: ProcessSpec) -> tuple[ChildProcess, int]:
        """Start the part and wait for its end."""
        child = self._children[part.name] = await start_process(part)
        if self._stopping.is_set():  # the signal came while it was being started
            child.signal(signal.SIGTERM)
        return child, await child.ended(self._announce)

    async def _pause(self, part: ProcessSpec, code: int, seconds: float) -> None:
        print_process_line("controlsurface", f"the {part.name} ended with {code}; starting it again in {seconds:g} s")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _give_up(self, part: ProcessSpec, code: int) -> None:
        """A demo that cannot start is no reason to stop; a part of the server is."""
        text = f"the {part.name} cannot start: it ended with {code} before it was ready; its own words are above"
        print_process_line("controlsurface", text)
        if part.name != "demo":
            self._failure = PartFailed(text)
            self._failure.exit_code = code if code in FATAL_EXIT_CODES else PartFailed.exit_code
            self._stop()

    async def _simulate(self) -> None:
        """Simulated traffic: on a new store with four weeks of history before it, and without when that ended."""
        await self._api_up.wait()
        if self._stopping.is_set():
            return
        if await asyncio.to_thread(self._is_new):
            await self._keep(parts.demo_history_process(self._options))
        else:  # no history comes, whatever became of the one that was begun
            (self._options.data / PROGRESS_FILE).write_text(str(DONE), "ascii")
        await self._keep(parts.demo_traffic_process(self._options))

    def _is_new(self) -> bool:
        """Whether the store holds no request at all; False when that cannot be told."""
        reader = RemoteClient(self._options.api, self._options.config.auth.token)
        try:
            return not reader.run(RequestsQuery(RequestsArgs(limit=1))).rows.num_rows
        except ControlSurfaceError as problem:
            print_process_line("controlsurface", f"no history is simulated: {problem}")
            return False
        finally:
            reader.close()

    def _announce(self, name: str, address: str) -> None:
        """Pass ready lines on, each once, in one order whatever the order of arrival."""
        self._addresses[name] = address
        if name == "api":
            self._api_up.set()
        for each in READY_LINE_ORDER[len(self._printed) :]:
            if each not in self._addresses:
                break
            self._printed.append(each)
            print(json.dumps({"ready": each, "url": self._addresses[each]}), flush=True)  # noqa: T201 - stdout is data
            if each == "dashboard":
                print_process_line("controlsurface", f"Open {self._addresses[each]}")

    async def _wind_down(self) -> None:
        """Senders first, so that nothing is refused; then the collector, which stores what it can meanwhile."""
        for names, seconds in ((("demo", "dashboard"), STOP_TIMEOUT_S), (("collector",), COLLECTOR_STOP_S)):
            ending = [child for name in names if (child := self._children.get(name))]
            await asyncio.gather(*(_end_process(child, seconds) for child in ending))


async def _end_process(child: ChildProcess, seconds: float) -> None:
    """Ask it to end; after `seconds`, make it."""
    child.signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(child.process.wait(), seconds)
    except TimeoutError:
        child.signal(signal.SIGKILL)
        await child.process.wait()
