"""The one way in, for HTTP, gRPC and `import`: checked, journalled, counted, with bounded memory."""

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from controlsurface import config
from controlsurface.errors import BadBody, Busy, ControlSurfaceError, OverLimit, TooLarge
from controlsurface.ingest.ingest_counters import IngestCounters
from controlsurface.ingest.journal.journal import Journal
from controlsurface.ingest.journal.segment_file import JournalPosition
from controlsurface.ingest.validation.checker_process import BodyChecker
from controlsurface.ingest.validation.validate import ValidatedBody
from controlsurface.ingest.wire.otlp_request import RequestBody

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 9  # exporters give up, and drop, after 10
# Of errors that senders get, the narrower kinds first.
_COUNTERS = {Busy: "refused", OverLimit: "over_limit", TooLarge: "too_large", BadBody: "bad_bodies"}


@dataclass(frozen=True, slots=True)
class _Task:
    """A body under way to its answer."""

    body: RequestBody
    answer: "Future[ValidatedBody]"
    received_ns: int

    def wait_over(self) -> None:
        """Raises Busy where the sender has given up meanwhile."""
        if time.time_ns() - self.received_ns > self.body.patience_s * 1e9:
            raise Busy("more is sent than can be taken: the sender gave up while the body waited")


class MemoryReservation:
    """Memory one request occupies, out of a shared bound; given back at once by `release`."""

    def __init__(self, intake: "Intake") -> None:
        self._intake = intake
        self._bytes = 0

    def add(self, size: int) -> None:
        """Occupy more. Raises Busy where the bound is reached."""
        self._intake.occupy(size)
        self._bytes += size

    def release(self) -> None:
        """Give everything back."""
        self._intake.occupy(-self._bytes)
        self._bytes = 0


class Intake:
    """Takes bodies in; what it answers is durable."""

    def __init__(
        self, journal: Journal, counters: IngestCounters, settings: config.Config, checker: BodyChecker
    ) -> None:
        self.counters = counters
        self._journal = journal
        self._limits = settings.receiver
        self._checker, self._restarts = checker, 0
        self._occupied = 0
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(1, "intake")  # one body decompressed at a time bounds the memory

    def hold(self) -> MemoryReservation:
        """To be filled while a body is read, and handed to `submit`."""
        return MemoryReservation(self)

    def occupy(self, size: int) -> None:
        """Count bytes of bodies in memory. Raises Busy over `receiver.max_buffered`."""
        with self._lock:
            if size > 0 and self._occupied + size > self._limits.max_buffered:
                raise Busy(f"receiver.max_buffered is reached: {self._occupied} bytes of bodies are in memory")
            self._occupied += size

    def submit(self, body: RequestBody, hold: MemoryReservation) -> "Future[ValidatedBody]":
        """The answer once the body is durable; fails with BadBody, TooLarge, Busy or DiskFull. `hold` is released."""
        task = _Task(body, Future(), time.time_ns())
        task.answer.set_running_or_notify_cancel()
        task.answer.add_done_callback(lambda _: hold.release())
        if behind := self._behind():
            self._refuse(task, Busy(behind))
            return task.answer
        try:
            self._workers.submit(self._work, task)
        except RuntimeError:  # the workers are gone
            self._refuse(task, Busy("the server is stopping"))
        return task.answer

    def take(self, body: RequestBody) -> ValidatedBody:
        """As `submit`, for callers that can wait."""
        hold = self.hold()
        hold.add(len(body.data))
        return self.submit(body, hold).result()

    def close(self) -> None:
        """Finish what was submitted."""
        self._workers.shutdown()

    def reasons(self) -> list[str]:
        """Why bodies are refused at the moment; empty while they are taken."""
        texts = (self._behind(), self._checker.problem, self._journal.failure, self._journal.full)
        return [text for text in texts if text]

    def count(self, problem: ControlSurfaceError) -> None:
        """A request was answered with an error."""
        for kind, counter in _COUNTERS.items():
            if isinstance(problem, kind):
                self.counters.add(**{counter: 1})
                break

    def _behind(self) -> str:
        """Whether the store is too far behind the journal to take more."""
        pending = self._journal.pending_bytes
        if pending <= self._limits.max_pending:
            return ""
        return f"receiver.max_pending is reached: {pending} bytes are answered and not yet stored"

    def _work(self, task: _Task) -> None:
        """On the worker: check, hand over to the journal."""
        try:
            task.wait_over()
            checked, size = self._checked(task.body)
            if checked.accepted:
                self._keep(task, checked, size)
            else:
                self._answer(task, checked, size)
        except ControlSurfaceError as problem:
            self._refuse(task, problem)
        except Exception as problem:
            log.exception("a body of %d bytes could not be checked", len(task.body.data))
            task.answer.set_exception(problem)

    def _checked(self, body: RequestBody) -> tuple[ValidatedBody, int]:
        """As Checker.check; counts the processes that it cost."""
        try:
            return self._checker.check(body)
        finally:
            self.counters.add(checker_restarts=self._checker.restarts - self._restarts)
            self._restarts = self._checker.restarts

    def _keep(self, task: _Task, checked: ValidatedBody, size: int) -> None:
        """Answer when the journal has it. Raises Busy where the journal takes nothing."""

        def settle(done: "Future[JournalPosition]") -> None:
            problem = done.exception()
            if isinstance(problem, ControlSurfaceError):
                self._refuse(task, problem)
            else:
                self._answer(task, checked, size)

        durable = self._journal.append(task.body.signal, checked.payload, checked.accepted, task.received_ns)
        durable.add_done_callback(settle)

    def _answer(self, task: _Task, checked: ValidatedBody, size: int) -> None:
        self.counters.take(checked.accepted, checked.rejected, size, task.received_ns, checked.mended)
        if checked.trimmed:
            self.counters.add(trimmed=checked.trimmed)
        self.counters.drop(checked.dropped)
        task.answer.set_result(checked)

    def _refuse(self, task: _Task, problem: ControlSurfaceError) -> None:
        self.count(problem)
        task.answer.set_exception(problem)
