"""Keeps the parts alive: restarts what crashes, gives up on what cannot start, stops all in order."""

import asyncio
import json
import signal
import time
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path

from controlsurface.errors import ControlSurfaceError, PartFailed, StoreInUse
from controlsurface.reader import RemoteReader
from controlsurface.reader.listing import RequestsArgs, RequestsQuery
from controlsurface.reader.owner import SERVER
from controlsurface.serve import options as parts
from controlsurface.serve.options import Options
from controlsurface.serve.part import Child, Part, say, start
from controlsurface.serve.ports import guard, settled
from controlsurface.store.duckdb import owner

ORDER = ("api", "otlp_http", "otlp_grpc", "dashboard")
FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 30.0
STEADY_S = 60.0  # a part that ran this long starts afresh with the shortest delay
TRIES = 4  # starts of a part that was never ready, before giving up
HOPELESS = {2, 3, 7}  # exit codes that another start will not change: configuration, store, port
PATIENCE_S = 10.0  # for a part that holds nothing to lose
ANSWERING_S = 1.0  # an owner that answers for so long is not ending
POLL_S = 0.1
STORING_S = 30.0  # for the collector; killed then, it loses nothing either: what it accepted is in the journal


def serve(options: Options) -> None:
    """Run until SIGTERM or SIGINT, then stop all parts. Raises ConfigError, PortInUse, StoreInUse, PartFailed."""
    guard(options.host, options.config.auth.token)
    await_owner(options.data)
    with settled(options.host, options.ports) as ports:
        asyncio.run(Supervisor(replace(options, ports=ports)).run())


def await_owner(data: Path, patience_s: float = STORING_S) -> None:
    """Wait for an owner of the data directory that is ending: it answers nobody any more. Raises StoreInUse."""
    until, answered_s, said = time.monotonic() + patience_s, 0.0, False
    while pid := owner(data):
        answered_s = answered_s + POLL_S if (data / SERVER).exists() else 0.0
        if answered_s > ANSWERING_S or time.monotonic() > until:
            raise StoreInUse(f"{data}: in use by process {pid}; stop it, or give --data another directory")
        if not said and not answered_s:
            say("controlsurface", f"{data}: waiting for process {pid}, which is ending or starting")
            said = True
        time.sleep(POLL_S)


def delay_s(failures: int) -> float:
    """Seconds to wait before the next start, after so many ends in a row."""
    return float(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (failures - 1)))


class Supervisor:
    """One run of `serve`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._children: dict[str, Child] = {}
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
        work = [self._keep(parts.collector(self._options)), self._keep(parts.dashboard(self._options))]
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

    async def _keep(self, part: Part) -> None:
        """Start the part whenever it is not running."""
        failures, was_ready = 0, False
        while not self._stopping.is_set():
            began = time.monotonic()
            child, code = await self._once(part)
            if self._stopping.is_set() or part.once:
                return
            steady = time.monotonic() - began > STEADY_S
            was_ready = was_ready or steady or child.ready.is_set()
            failures = 1 if steady else failures + 1
            if not was_ready and (failures >= TRIES or code in HOPELESS):
                self._give_up(part, code)
                return
            await self._pause(part, code, delay_s(failures))

    async def _once(self, part: Part) -> tuple[Child, int]:
        """Start the part and wait for its end."""
        child = self._children[part.name] = await start(part)
        if self._stopping.is_set():  # the signal came while it was being started
            child.signal(signal.SIGTERM)
        return child, await child.ended(self._announce)

    async def _pause(self, part: Part, code: int, seconds: float) -> None:
        say("controlsurface", f"the {part.name} ended with {code}; starting it again in {seconds:g} s")
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    def _give_up(self, part: Part, code: int) -> None:
        """A demo that cannot start is no reason to stop; a part of the server is."""
        text = f"the {part.name} cannot start: it ended with {code} before it was ready; its own words are above"
        say("controlsurface", text)
        if part.name != "demo":
            self._failure = PartFailed(text)
            self._failure.exit_code = code if code in HOPELESS else PartFailed.exit_code
            self._stop()

    async def _simulate(self) -> None:
        """Simulated traffic: on a new store with four weeks of history before it, and without when that ended."""
        await self._api_up.wait()
        if not self._stopping.is_set() and await asyncio.to_thread(self._is_new):
            await self._keep(parts.history(self._options))
        await self._keep(parts.traffic(self._options))

    def _is_new(self) -> bool:
        """Whether the store holds no request at all; False when that cannot be told."""
        reader = RemoteReader(self._options.api, self._options.config.auth.token)
        try:
            return not reader.ask(RequestsQuery(RequestsArgs(limit=1))).rows.num_rows
        except ControlSurfaceError as problem:
            say("controlsurface", f"no history is simulated: {problem}")
            return False
        finally:
            reader.close()

    def _announce(self, name: str, address: str) -> None:
        """Pass ready lines on, each once, in one order whatever the order of arrival."""
        self._addresses[name] = address
        if name == "api":
            self._api_up.set()
        for each in ORDER[len(self._printed) :]:
            if each not in self._addresses:
                break
            self._printed.append(each)
            print(json.dumps({"ready": each, "url": self._addresses[each]}), flush=True)  # noqa: T201 - stdout is data

    async def _wind_down(self) -> None:
        """Senders first, so that nothing is refused; then the collector, which stores what it can meanwhile."""
        for names, seconds in ((("demo", "dashboard"), PATIENCE_S), (("collector",), STORING_S)):
            ending = [child for name in names if (child := self._children.get(name))]
            await asyncio.gather(*(_ended(child, seconds) for child in ending))


async def _ended(child: Child, seconds: float) -> None:
    """Ask it to end; after `seconds`, make it."""
    child.signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(seconds):
            await child.process.wait()
    except TimeoutError:
        child.signal(signal.SIGKILL)
        await child.process.wait()
