"""A worker's side of one load: joins a master, loads when told, and hands its rows over."""

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

KNOCK_EVERY_S = 0.5
ANSWERED_WITHIN_S = 15.0
"""A master that listens answers at once; what does not is another program, or a master's end."""
MASTER_SILENT_S = 10.0
"""A master answers every heartbeat, and they come every second."""
PIECE_BYTES = 1 << 20
"""Rows travel in pieces, so that heartbeats need not wait for the whole."""


class NobodyThereError(Exception):
    """No master listens at the address."""


class NoAnswerError(Exception):
    """Somebody listens at the address, and does not answer as a master does."""


class Refusal(Exception):  # noqa: N818 - what the master said
    """The master does not want this worker; ``again`` tells whether it may later."""

    def __init__(self, why: str, *, again: bool) -> None:
        super().__init__(why)
        self.again = again


@dataclass(frozen=True, slots=True)
class Master:
    """Where a master is, how this worker is called, and from which address it speaks."""

    host: str
    port: int
    name: str | None = None
    source: str = ""

    @property
    def way(self) -> str:
        """How ZeroMQ is told where it is: ``[source:port;]host``."""
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
        """When the master last spoke."""
        self._user: type[LoadUser] = type("Reader", (LoadUser,), {"abstract": False})
        self._environment = Environment(user_classes=[self._user], catch_exceptions=False)

    def hold(self, within_s: float) -> None:
        """Join the master and do its work until it is over.

        Raises ``NobodyThereError`` if no master listens within ``within_s``,
        ``NoAnswerError`` if what listens is none, ``Refusal``, and what broke a user,
        after the master was told.
        """
        self._knock(within_s)
        if self._over.ready():
            return
        parent = os.getppid()
        # Locust calls a worker by its host's name, which must not enter a log that is quoted
        socket.gethostname = lambda: self._master.name or "load-worker"
        runner = self._answered()
        if runner is None:
            return
        self._runner = runner
        self._listen(Kind.CLOCK, self._tell_time)
        self._listen(Kind.ORDER, self._take_order)
        self._listen(Kind.REFUSED, self._go_away)
        self._listen(Kind.PHASE, self._run, concurrent=True)
        events = self._environment.events
        events.user_error.add_listener(self._broken)  # type: ignore[no-untyped-call]
        events.heartbeat_received.add_listener(self._on_heartbeat)  # type: ignore[no-untyped-call]
        self._send(Kind.HELLO, {"name": self._master.name, "fingerprint": fingerprint()})
        watching = gevent.spawn(self._watch, parent)
        # Locust ends all its greenlets when the master sends its workers home
        ended = gevent.spawn(runner.greenlet.join)
        ended.link(lambda _: self._over.set(None))
        try:
            self._over.get()
        finally:
            gevent.killall([watching, ended])
            events.quitting.fire(environment=self._environment)  # type: ignore[no-untyped-call]
            runner.quit()

    def _answered(self) -> WorkerRunner | None:
        """Return Locust's runner once the master has answered; ``None`` if this is to end.

        Locust alone would try for minutes, deaf to Ctrl-C.
        """
        joining = gevent.spawn(self._joined)
        gevent.wait([joining, self._over], timeout=ANSWERED_WITHIN_S, count=1)
        if joining.ready():
            runner: WorkerRunner = joining.get()
            return runner
        joining.kill()
        if self._over.ready():
            return None
        raise NoAnswerError(
            f"what listens on {self._master.host} port {self._master.port} has not answered "
            f"within {ANSWERED_WITHIN_S:g} s, as a master does: is it the address that the run "
            "said? Trying again"
        )

    def _joined(self) -> WorkerRunner:
        """Return Locust's runner once the master has heard of it."""
        # Locust looks an address up that has a source before it, and prints that there is none
        with contextlib.redirect_stdout(io.StringIO() if self._master.source else sys.stdout):
            runner = self._environment.create_worker_runner(self._master.way, self._master.port)
        self._heard_s = monotonic()
        return runner

    def _knock(self, within_s: float) -> None:
        """Return once somebody listens where the master should be, or this is to end."""
        master = self._master
        source = (master.source, 0) if master.source else None
        place = f"{master.host} port {master.port}"
        deadline = monotonic() + within_s
        told = ""
        while not self._over.ready():
            try:
                socket.create_connection((master.host, master.port), 3.0, source).close()
            except OSError as error:
                why = error.strerror or str(error)
                if monotonic() > deadline:
                    raise NobodyThereError(
                        f"no master listens on {place}, waited for {within_s:g} s: {why}"
                    ) from error
                if why != told:
                    self._say(f"waiting for a master on {place}, {within_s:g} s at most: {why}")
                    told = why
                self._over.wait(KNOCK_EVERY_S)
            else:
                return

    def end(self) -> None:
        """Leave: the master hears that this worker is gone."""
        self._over.set(None)

    def _listen(self, kind: Kind, take: Callable[[Any], None], *, concurrent: bool = False) -> None:
        def listener(environment: Environment, msg: Message) -> None:  # noqa: ARG001 - by name
            try:
                take(msg.data)
            except Exception as error:  # noqa: BLE001 - Locust would only log it, and go on
                self._broken(error)

        self._runner.register_message(kind, listener, concurrent=concurrent)

    def _send(self, kind: Kind, content: dict[str, Any]) -> None:
        self._runner.send_message(kind, content)

    def _watch(self, parent: int) -> None:
        """End when the master has fallen silent, or whoever started this has gone."""
        while monotonic() - self._heard_s < MASTER_SILENT_S and os.getppid() == parent:
            gevent.sleep(1.0)
        self._say("the master is gone")
        self._over.set(None)

    def _on_heartbeat(self, **_: object) -> None:
        self._heard_s = monotonic()

    def _broken(self, exception: Exception, **_: object) -> None:
        self._send(Kind.TROUBLE, {"why": f"{type(exception).__name__}: {exception}"})
        self._over.set_exception(exception)

    def _go_away(self, said: dict[str, Any]) -> None:
        self._over.set_exception(Refusal(said["why"], again=said["again"]))

    def _tell_time(self, said: dict[str, Any]) -> None:
        self._send(Kind.CLOCK, {**said, "seen": monotonic()})

    def _take_order(self, said: dict[str, Any]) -> None:
        task = msgspec.convert(said, Assignment)
        self._order = self._user.order = order_of(task.load, task.share, self._master.source)
        self._say(f"joined as {task.name}, {task.share.index + 1} of {task.share.of}")

    def _run(self, said: dict[str, Any]) -> None:
        """Load through one phase, then hand over what became of it, the rows piece by piece."""
        name, order = said["name"], self._order
        recorder = Recorder(order.questions[0].labels) if name == MEASURE else None
        phase = Phase(name, said["seconds"], recorder, begin_s=said["begin"])
        result = run_phase(order.switch, phase, drain_bound_s(name, order.timeout_s), self._tell)
        rows = packed(recorder.table()) if recorder else b""
        for begin in range(0, len(rows), PIECE_BYTES):
            self._send(Kind.ROWS, {"rows": rows[begin : begin + PIECE_BYTES]})
            gevent.sleep(0)  # heartbeats go between
        count = len(recorder) if recorder else 0
        told = {"result": msgspec.to_builtins(result), "rows": count, "row_bytes": len(rows)}
        self._send(Kind.OVER, told)

    def _tell(self, progress: Progress) -> None:
        self._send(Kind.PROGRESS, progress.counts())
