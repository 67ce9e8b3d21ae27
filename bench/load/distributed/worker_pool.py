"""Locust worker pool as the master sees it: over Locust's runner, message by message."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import gevent
import msgspec
from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_MISSING, MasterRunner

from bench.load.distributed.clock import Offset, best, enough
from bench.load.distributed.fingerprint import fingerprint
from bench.load.distributed.malformed import keep_listening, reason
from bench.load.distributed.messages import Assignment, Kind
from bench.load.distributed.registry import Member, Turned, WorkerPoolError, WorkerRegistry
from bench.load.distributed.share import Share
from bench.load.phases import PhaseResult
from bench.load.protocol import COUNTS
from bench.load.spec import DistributedLoad, Load
from bench.load.user import LoadUser

SILENT_S = 10.0
"""Workers speak every second within a phase; Locust misses their heartbeats after four."""
SPAWN_BOUND_S = 30.0
CLOCK_BOUND_S = 5.0
POLL_S = 0.01
MALFORMED_KEPT = 3

log = logging.getLogger(__name__)

Said = dict[str, Any]

READY = "client_ready"
OUTSIDE = {"index": -1}
"""Acknowledges a worker that has no place yet."""


class GuardedMaster(MasterRunner):
    """Locust's master runner with a door: its workers are those that ``admit`` was called for.

    Locust gives users to whoever says that it is ready, and spreads them anew when one
    more comes in the middle of a test. Here a worker is told that it was heard, and waits.
    """

    def __init__(self, environment: Environment, host: str, port: int) -> None:
        self._outside: dict[str, Message] = {}
        super().__init__(environment, host, port)

    def handle_message(self, client_id: str, msg: Message) -> None:
        """Keep whoever reports as ready outside; handle everything else as Locust does."""
        if msg.type == READY and client_id not in self.clients:
            self._outside[client_id] = msg
            self.send_message("ack", data=OUTSIDE, client_id=client_id)
            return
        super().handle_message(client_id, msg)

    def admit(self, client_id: str) -> None:
        """Make a worker that waits one of Locust's."""
        super().handle_message(client_id, self._outside.pop(client_id))

    def has(self, client_id: str) -> bool:
        """Whether that worker is here and was heard in the last seconds, as Locust sees it."""
        return client_id in self.clients and self.clients[client_id].state != STATE_MISSING


class WorkerPool:
    """Gathers the workers that ``wanted`` names, orders them about, and keeps what they send.

    Their rows are kept as files in ``folder``.
    """

    def __init__(self, wanted: DistributedLoad, folder: Path) -> None:
        self._wanted = wanted
        self._folder = folder
        self._registry = WorkerRegistry(wanted.workers, fingerprint())
        user = type("Reader", (LoadUser,), {"abstract": False})
        self._environment = Environment(user_classes=[user], catch_exceptions=False)
        self._runner = GuardedMaster(self._environment, wanted.host, wanted.port)
        self._environment.runner = self._runner
        self.malformed: list[str] = []
        """What was wrong with each message that was dropped: the first few of them."""
        self.malformed_count = 0
        keep_listening(self._environment, self._drop)
        self._listen(Kind.HELLO, self._greet)
        self._hear(Kind.CLOCK, self._clock_told)
        self._hear(Kind.PROGRESS, self._progress_told)
        self._hear(Kind.ROWS, self._rows_came)
        self._hear(Kind.OVER, self._over)
        self._hear(Kind.TROUBLE, self._broke)

    @property
    def port(self) -> int:
        """Where workers are awaited."""
        return int(self._runner.server.port)

    @property
    def members(self) -> tuple[Member, ...]:
        """The workers, in the order in which the load is shared out."""
        return self._registry.members

    def rows_file(self, member: Member) -> Path:
        """Return where the rows of ``member`` are kept until they are merged."""
        return self._folder / f".{member.name}.rows"

    def gather(self, tell: Callable[[str], None]) -> None:
        """Return once all workers are here; ``tell`` hears who is, whenever that changes.

        Raises ``WorkerPoolError`` if they are not here in time.
        """
        within_s = self._wanted.within_s
        deadline = monotonic() + within_s
        told = ""
        while not self._registry.complete:
            if (there := self._registry.there()) != told:
                tell(there)
                told = there
            if monotonic() > deadline:
                command = replace(self._wanted, port=self.port).command
                raise WorkerPoolError(self._registry.lacking(within_s, command))
            gevent.sleep(POLL_S)
            for member in self.members:
                if not self._runner.has(member.id):
                    self._registry.leave(member.id)

    def start_users(self, load: Load) -> None:
        """Give each worker its share of ``load``, and start the users, spread evenly.

        Raises ``WorkerPoolError`` if they do not come up.
        """
        workers = self._wanted.workers.total
        for number, member in enumerate(self.members):
            order = Assignment(member.name, Share(number, workers), load)
            self._runner.send_message(Kind.ORDER, msgspec.to_builtins(order), member.id)
        count = load.users if load.rate_rps is None else workers
        self._runner.start(count, spawn_rate=count)
        deadline = monotonic() + SPAWN_BOUND_S
        while self._runner.user_count != count:
            self.check(since_s=monotonic())
            if monotonic() > deadline:
                started = f"{self._runner.user_count} of {count} users were started"
                raise WorkerPoolError(f"{started} by the load workers within {SPAWN_BOUND_S:g} s")
            gevent.sleep(POLL_S)

    def dismiss(self) -> None:
        """Send all workers home."""
        self._runner.quit()

    def compare_clocks(self) -> None:
        """Measure each worker's clock offset. Raises ``WorkerPoolError`` if one does not answer."""
        for member in self.members:
            member.exchanges.clear()
            while not enough(member.exchanges):
                self._exchange(member)
            member.clock = best(member.exchanges)

    def _exchange(self, member: Member) -> None:
        number = len(member.exchanges)
        self._runner.send_message(Kind.CLOCK, {"number": number, "asked": monotonic()}, member.id)
        deadline = monotonic() + CLOCK_BOUND_S
        while len(member.exchanges) == number:
            if monotonic() > deadline:
                raise WorkerPoolError(f"the load worker {member.name} does not tell its time")
            gevent.sleep(0)

    def order_phase(self, name: str, seconds: float, begin_s: float) -> None:
        """Order a phase that begins at ``begin_s`` of this process's clock, for all at once."""
        for member in self.members:
            member.result, member.counts = None, dict.fromkeys(COUNTS, 0)
            member.row_bytes, member.applied = 0, member.clock
            self.rows_file(member).unlink(missing_ok=True)
            begin = begin_s + member.clock.offset_s
            order = {"name": name, "seconds": seconds, "begin": begin}
            self._runner.send_message(Kind.PHASE, order, member.id)

    def counts(self) -> dict[str, int]:
        """Return the counts of the phase under way, summed over all workers."""
        return {name: sum(each.counts.get(name, 0) for each in self.members) for name in COUNTS}

    def check(self, *, since_s: float) -> None:
        """Raise ``WorkerPoolError`` naming a worker that is gone, broke, or is silent since long.

        Silence counts from ``since_s`` at the earliest.
        """
        for member in self.members:
            if member.trouble is not None:
                raise WorkerPoolError(f"the load worker {member.name} broke: {member.trouble}")
            if not self._runner.has(member.id):
                raise WorkerPoolError(
                    f"the load worker {member.name} is gone: its share of the load is missing"
                )
            silent_s = monotonic() - max(since_s, member.heard_s)
            if member.result is None and silent_s > SILENT_S:
                raise WorkerPoolError(
                    f"the load worker {member.name} is silent for {silent_s:.0f} s"
                )

    def _listen(self, kind: Kind, take: Callable[[str, Said], None]) -> None:
        def listener(environment: Environment, msg: Message) -> None:  # noqa: ARG001 - by name
            try:
                take(msg.node_id, msg.data)
            except (KeyError, TypeError, ValueError) as error:
                self._drop(msg.node_id, reason(error))

        self._runner.register_message(kind, listener)

    def _hear(self, kind: Kind, take: Callable[[Member, Said], None]) -> None:
        """Listen to those who were let in alone."""

        def take_of_member(client_id: str, said: Said) -> None:
            if (member := self._registry.of(client_id)) is not None:
                member.heard_s = monotonic()
                take(member, said)

        self._listen(kind, take_of_member)

    def _drop(self, client_id: str | None, why: str) -> None:
        """Note that a message was dropped, without the sender's id: it names a host."""
        member = self._registry.of(client_id) if client_id else None
        sender = f"the load worker {member.name}" if member else "no load worker of this run"
        self.malformed_count += 1
        if len(self.malformed) < MALFORMED_KEPT:
            self.malformed.append(f"from {sender}: {why}")
        log.warning("a malformed message from %s was dropped: %s", sender, why)

    def _greet(self, client_id: str, said: Said) -> None:
        found = self._registry.enter(client_id, said["name"], said["fingerprint"])
        if isinstance(found, Turned):
            answer = {"why": found.why, "again": found.again}
            self._runner.send_message(Kind.REFUSED, answer, client_id)
        elif not self._runner.has(client_id):
            self._runner.admit(client_id)

    def _clock_told(self, member: Member, said: Said) -> None:
        if said["number"] == len(member.exchanges):
            member.exchanges.append(Offset.seen(said["asked"], said["seen"], member.heard_s))

    def _progress_told(self, member: Member, said: Said) -> None:
        member.counts = {name: int(said[name]) for name in COUNTS}

    def _rows_came(self, member: Member, said: Said) -> None:
        rows = bytes(said["rows"])
        member.row_bytes += len(rows)
        with self.rows_file(member).open("ab") as file:
            file.write(rows)

    def _over(self, member: Member, said: Said) -> None:
        result, expected = msgspec.convert(said["result"], PhaseResult), said["row_bytes"]
        if expected == member.row_bytes:
            member.result, member.rows = result, int(said["rows"])
        else:
            member.trouble = f"of its rows came {member.row_bytes} of {expected} bytes"

    def _broke(self, member: Member, said: Said) -> None:
        member.trouble = said["why"]
