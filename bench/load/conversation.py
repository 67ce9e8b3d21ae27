"""The load process's side of the protocol: orders in, events out, a clean end in any case."""

import logging
import os
import signal
import sys
from collections.abc import Callable

import gevent
from gevent.event import AsyncResult
from gevent.fileobject import FileObject
from gevent.lock import RLock

from bench.load.protocol import (
    Measured,
    Message,
    Order,
    Progress,
    ProtocolError,
    Ready,
    Refused,
    decode_order,
    encode,
)
from bench.load.session import Session

log = logging.getLogger(__name__)


class Conversation:
    """Leads ``session`` as told on standard input; answers on the descriptor ``speak``.

    Orders are read while a phase runs, so that stopping and asking for progress
    need not wait for its end.
    """

    def __init__(self, session: Session, users: int, speak: int) -> None:
        self._session = session
        self._users = users
        self._speak = speak
        self._speaking = RLock()
        self._phase: gevent.Greenlet | None = None
        self._over: AsyncResult = AsyncResult()

    def hold(self) -> int:
        """Follow orders until "stop", end of input or a signal; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            gevent.signal_handler(number, self._over.set, 0)
        self._session.on_broken_user(self._over.set_exception)
        self._session.start()
        self._say(Ready(self._users))
        listener = gevent.spawn(self._listen)
        listener.link_exception(lambda dead: self._over.set_exception(dead.exception))
        try:
            code: int = self._over.get()
        finally:
            listener.kill()
            if self._phase is not None:
                self._phase.kill()
            self._session.stop()
        return code

    def _listen(self) -> None:
        with FileObject(sys.stdin.fileno(), "r", encoding="utf-8", close=False) as orders:
            for line in orders:
                try:
                    self._follow(decode_order(line))
                except ProtocolError as error:
                    self._say(Refused(str(error)))
        log.info("end of orders")
        self._over.set(0)

    def _follow(self, order: Order) -> None:
        if order.do == "stop":
            self._over.set(0)
        elif order.do == "progress":
            self._say(self._session.progress(self._session.phase, None))
        elif self._phase is not None and not self._phase.dead:
            self._say(Refused(f"{order.do!r} while another phase is under way"))
        else:
            run = self._session.warm_up if order.do == "warmup" else self._session.measure
            self._phase = gevent.spawn(self._run, run, order.seconds)
            self._phase.link_exception(lambda dead: self._over.set_exception(dead.exception))

    def _run(
        self, run: Callable[[float, Callable[[Progress], None]], Message], seconds: float
    ) -> None:
        message = run(seconds, self._say)
        if isinstance(message, Measured):
            log.info("measured: %s", message)
        self._say(message)

    def _say(self, message: Message) -> None:
        with self._speaking:
            try:
                os.write(self._speak, encode(message).encode())
            except BrokenPipeError:
                self._over.set(0)  # nobody listens any more
