"""Command loop of the load process: reads orders, writes events, always ends cleanly."""

import logging
import os
import signal
import sys

import gevent
import msgspec
from gevent.event import AsyncResult
from gevent.fileobject import FileObject
from gevent.lock import RLock

from bench.load.distributed.registry import WorkerPoolError
from bench.load.protocol import Lost, Measured, Message, Order, Ready, Refused
from bench.load.session import LoadSession

log = logging.getLogger(__name__)


class CommandLoop:
    """Leads ``session`` by the orders on standard input; answers on the descriptor ``output``.

    It reads orders while a phase runs, so that the end of input need not wait for the phase.
    """

    def __init__(self, session: LoadSession, users: int, output: int) -> None:
        self._session = session
        self._users = users
        self._output = output
        self._write_lock = RLock()
        self._phase: gevent.Greenlet | None = None
        self._over: AsyncResult = AsyncResult()

    def run(self) -> int:
        """Follow orders until end of input or a signal; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            gevent.signal_handler(number, self._over.set, 0)
        self._session.on_broken_user(self._over.set_exception)
        reader = gevent.spawn(self._begin)
        reader.link_exception(self._on_failure)
        try:
            code: int = self._over.get()
        finally:
            reader.kill()
            if self._phase is not None:
                self._phase.kill()
            self._session.stop()
        return code

    def _on_failure(self, greenlet: gevent.Greenlet) -> None:
        self._over.set_exception(greenlet.exception)

    def _begin(self) -> None:
        try:
            self._session.start(self._say)
        except WorkerPoolError as error:
            self._say(Lost(str(error)))
            self._over.set(1)
            return
        self._say(Ready(self._users))
        self._listen()

    def _listen(self) -> None:
        with FileObject(sys.stdin.fileno(), "r", encoding="utf-8", close=False) as orders:
            for line in orders:
                try:
                    self._follow(msgspec.json.decode(line, type=Order))
                except msgspec.DecodeError as error:
                    self._say(Refused(f"{line[:200]!r} is no order: {error}"))
        log.info("end of orders")
        self._over.set(0)

    def _follow(self, order: Order) -> None:
        if self._phase is not None and not self._phase.dead:
            self._say(Refused(f"{order.do!r} while another phase is under way"))
        else:
            self._phase = gevent.spawn(self._run_phase, order)
            self._phase.link_exception(self._on_failure)

    def _run_phase(self, order: Order) -> None:
        run = self._session.warm_up if order.do == "warmup" else self._session.measure
        try:
            message = run(order.seconds, self._say)
        except WorkerPoolError as error:
            self._say(Lost(str(error)))
            return
        if isinstance(message, Measured):
            log.info("measured: %s", message)
        self._say(message)

    def _say(self, message: Message) -> None:
        with self._write_lock:
            try:
                os.write(self._output, msgspec.json.encode(message) + b"\n")
            except BrokenPipeError:
                self._over.set(0)  # the harness has closed its end
