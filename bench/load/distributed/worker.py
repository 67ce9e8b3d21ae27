"""Worker's side of one load: joins a master, generates load on its order, sends its rows."""

import contextlib
import io
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

import gevent
import msgspec
from gevent.event import AsyncResult
from locust.env import Environment
from locust.rpc import Message
from locust.runners import WorkerRunner

from bench.load.distributed.fingerprint import fingerprint
from bench.load.distributed.messages import Assignment, Kind
from bench.load.models import Order, order_of
from bench.load.phases import MEASURE, Phase, drain_bound_s, run_phase
from bench.load.protocol import Progress
from bench.load.recorder import Recorder, packed
from bench.load.user import LoadUser

RETRY_EVERY_S = 0.5
ANSWERED_WITHIN_S = 15.0
"""A master answers at once; a silent listener is another program, or a master that is ending."""
MASTER_SILENT_S = 10.0
"""A master answers every heartbeat, and they come every second."""
PIECE_BYTES = 1 << 20
"""Rows are sent in pieces, so that heartbeats need not wait for all of them."""


class NobodyThereError(Exception):
    """Raised when no master listens at the address."""


class NoAnswerError(Exception):
    """Raised when a program listens at the address, and does not answer as a master does."""


class Refusal(Exception):  # noqa: N818 - the master's decision, no error of this program
    """Raised when the master rejects this worker; ``may_retry`` if it may try again later."""

    def __init__(self, reason: str, *, may_retry: bool) -> None:
        super().__init__(reason)
        self.may_retry = may_retry


@dataclass(frozen=True, slots=True)
class Master:
    """A master's address, and this worker's name and source address."""

    host: str
    port: int
    name: str | None = None
    source: str = ""

    @property
    def zeromq_host(self) -> str:
        """The host as ZeroMQ takes it: ``[source:port;]host``."""
        return f"{self.source}:0;{self.host}" if self.source else self.host


class Worker:
    """One worker for the length of one load."""

    def __init__(self, master: Master, say: Callable[[str], None]) -> None:
        self._master = master
        self._say = say
        self._over: AsyncResult = AsyncResult()
        self._order: Order
        self._runner: WorkerRunner
        self._heard_s = 0.0
        """Time of the master's last message."""
        self._user: type[LoadUser] = type("Reader", (LoadUser,), {"abstract": False})
        self._environment = Environment(user_classes=[self._user], catch_exceptions=False)

    def run(self, within_s: float) -> None:
        """Join the master and follow its orders until the load is over.

        Raises ``NobodyThereError`` if nothing listens within ``within_s``,
        ``NoAnswerError`` if the listener is no master, ``Refusal``, and the error of a
        broken user after reporting it to the master.
        """
        self._await_listener(within_s)
        if self._over.ready():
            return
        parent = os.getppid()
        # Locust names a worker after its host, which must not enter a log that is quoted
        socket.gethostname = lambda: self._master.name or "load-worker"
        runner = self._answered_runner()
        if runner is None:
            return
        self._runner = runner
        self._listen(Kind.CLOCK, self._on_clock)
        self._listen(Kind.ORDER, self._on_order)
        self._listen(Kind.REFUSED, self._on_refused)
        self._listen(Kind.PHASE, self._on_phase, concurrent=True)
        events = self._environment.events
        events.user_error.add_listener(self._on_user_error)  # type: ignore[no-untyped-call]
        events.heartbeat_received.add_listener(self._on_heartbeat)  # type: ignore[no-untyped-call]
        self._send(Kind.HELLO, {"name": self._master.name, "fingerprint": fingerprint()})
        watching = gevent.spawn(self._watch, parent)
        # Locust ends all its greenlets when the master dismisses its workers
        ended = gevent.spawn(runner.greenlet.join)
        ended.link(lambda _: self._over.set(None))
        try:
            self._over.get()
        finally:
            gevent.killall([watching, ended])
            events.quitting.fire(environment=self._environment)  # type: ignore[no-untyped-call]
            runner.quit()

    def _answered_runner(self) -> WorkerRunner | None:
        """Return Locust's runner once the master has answered; ``None`` if this is to end.

        Locust alone would try for minutes and ignore Ctrl-C.
        """
        joining = gevent.spawn(self._joined_runner)
        gevent.wait([joining, self._over], timeout=ANSWERED_WITHIN_S, count=1)
        if joining.ready():
            runner: WorkerRunner = joining.get()
            return runner
        joining.kill()
        if self._over.ready():
            return None
        raise NoAnswerError(
            f"what listens on {self._master.host} port {self._master.port} has not answered "
            f"within {ANSWERED_WITHIN_S:g} s, as a master does: is this the address that the run "
            "printed? Trying again"
        )

    def _joined_runner(self) -> WorkerRunner:
        """Return Locust's runner once the master has acknowledged it."""
        host, port = self._master.zeromq_host, self._master.port
        # Locust looks up a host that has a source before it, and prints that there is none
        with contextlib.redirect_stdout(io.StringIO() if self._master.source else sys.stdout):
            runner = self._environment.create_worker_runner(host, port)
        self._heard_s = monotonic()
        return runner

    def _await_listener(self, within_s: float) -> None:
        """Return once a program listens at the master's address, or this is to end."""
        master = self._master
        source = (master.source, 0) if master.source else None
        address = f"{master.host} port {master.port}"
        deadline = monotonic() + within_s
        last_cause = ""
        while not self._over.ready():
            try:
                socket.create_connection((master.host, master.port), 3.0, source).close()
            except OSError as error:
                cause = error.strerror or str(error)
                if monotonic() > deadline:
                    raise NobodyThereError(
                        f"no master listens on {address}, waited for {within_s:g} s: {cause}"
                    ) from error
                if cause != last_cause:
                    self._say(f"waiting for a master on {address}, {within_s:g} s at most: {cause}")
                    last_cause = cause
                self._over.wait(RETRY_EVERY_S)
            else:
                return

    def end(self) -> None:
        """Leave the load; the master is informed."""
        self._over.set(None)

    def _listen(self, kind: Kind, take: Callable[[Any], None], *, concurrent: bool = False) -> None:
        def listener(environment: Environment, msg: Message) -> None:  # noqa: ARG001 - by name
            try:
                take(msg.data)
            except Exception as error:  # noqa: BLE001 - Locust would only log it, and continue
                self._on_user_error(error)

        self._runner.register_message(kind, listener, concurrent=concurrent)

    def _send(self, kind: Kind, content: dict[str, Any]) -> None:
        self._runner.send_message(kind, content)

    def _watch(self, parent: int) -> None:
        """End when the master has fallen silent, or the parent process has gone."""
        while monotonic() - self._heard_s < MASTER_SILENT_S and os.getppid() == parent:
            gevent.sleep(1.0)
        self._say("the master is gone")
        self._over.set(None)

    def _on_heartbeat(self, **_: object) -> None:
        self._heard_s = monotonic()

    def _on_user_error(self, exception: Exception, **_: object) -> None:
        self._send(Kind.TROUBLE, {"why": f"{type(exception).__name__}: {exception}"})
        self._over.set_exception(exception)

    def _on_refused(self, payload: dict[str, Any]) -> None:
        self._over.set_exception(Refusal(payload["why"], may_retry=payload["again"]))

    def _on_clock(self, payload: dict[str, Any]) -> None:
        self._send(Kind.CLOCK, {**payload, "seen": monotonic()})

    def _on_order(self, payload: dict[str, Any]) -> None:
        task = msgspec.convert(payload, Assignment)
        self._order = self._user.order = order_of(task.load, task.share, self._master.source)
        self._say(f"joined as {task.name}, {task.share.index + 1} of {task.share.of}")

    def _on_phase(self, payload: dict[str, Any]) -> None:
        """Load through one phase, then send its rows, piece by piece, and its result."""
        name, order = payload["name"], self._order
        recorder = Recorder(order.questions[0].labels) if name == MEASURE else None
        phase = Phase(name, payload["seconds"], recorder, begin_s=payload["begin"])
        drain_s = drain_bound_s(name, order.timeout_s)
        result = run_phase(order.switch, phase, drain_s, self._send_progress)
        rows = packed(recorder.table()) if recorder else b""
        for begin in range(0, len(rows), PIECE_BYTES):
            self._send(Kind.ROWS, {"rows": rows[begin : begin + PIECE_BYTES]})
            gevent.sleep(0)  # lets heartbeats go between
        count = len(recorder) if recorder else 0
        over = {"result": msgspec.to_builtins(result), "rows": count, "row_bytes": len(rows)}
        self._send(Kind.OVER, over)

    def _send_progress(self, progress: Progress) -> None:
        self._send(Kind.PROGRESS, progress.counts())
