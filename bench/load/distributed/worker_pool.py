"""Locust worker pool at the master: sends and receives messages through Locust's runner."""

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
from bench.load.distributed.registry import Member, Rejection, WorkerPoolError, WorkerRegistry
from bench.load.distributed.share import Share
from bench.load.phases import PhaseResult
from bench.load.protocol import COUNTS
from bench.load.spec import DistributedLoad, Load
from bench.load.user import LoadUser

SILENT_S = 10.0
"""Workers report every second until a phase is drained; Locust misses their heartbeats after
four."""
SPAWN_BOUND_S = 30.0
CLOCK_BOUND_S = 5.0
POLL_S = 0.01
MALFORMED_KEPT = 3

log = logging.getLogger(__name__)

Payload = dict[str, Any]

READY = "client_ready"
OUTSIDE = {"index": -1}
"""Acknowledges a worker that is not admitted yet."""


class GuardedMaster(MasterRunner):
    """Locust's master runner, with the workers alone for which ``admit`` was called.

    Locust gives users to every client that reports as ready, and spreads them anew when
    one more joins during a test. This runner acknowledges such a client, and lets it wait.
    """

    def __init__(self, environment: Environment, host: str, port: int) -> None:
        self._outside: dict[str, Message] = {}
        super().__init__(environment, host, port)

    def handle_message(self, client_id: str, msg: Message) -> None:
        """Keep a client that reports as ready outside; handle all other messages as Locust does."""
        if msg.type == READY and client_id not in self.clients:
            self._outside[client_id] = msg
            self.send_message("ack", data=OUTSIDE, client_id=client_id)
            return
        super().handle_message(client_id, msg)

    def admit(self, client_id: str) -> None:
        """Hand a waiting worker to Locust."""
        super().handle_message(client_id, self._outside.pop(client_id))

    def has(self, client_id: str) -> bool:
        """Whether Locust has the worker, and has heard it in the last seconds."""
        return client_id in self.clients and self.clients[client_id].state != STATE_MISSING


class WorkerPool:
    """Gathers the workers of ``distributed``, orders phases, and keeps rows in ``folder``."""

    def __init__(self, distributed: DistributedLoad, folder: Path) -> None:
        self._distributed = distributed
        self._folder = folder
        self._registry = WorkerRegistry(distributed.workers, fingerprint())
        user = type("Reader", (LoadUser,), {"abstract": False})
        self._environment = Environment(user_classes=[user], catch_exceptions=False)
        self._runner = GuardedMaster(self._environment, distributed.host, distributed.port)
        self._environment.runner = self._runner
        self.malformed: list[str] = []
        """Sender and fault of the first few messages that were dropped."""
        self.malformed_count = 0
        keep_listening(self._environment, self._drop)
        self._listen(Kind.HELLO, self._on_hello)
        self._listen_to_members(Kind.CLOCK, self._on_clock)
        self._listen_to_members(Kind.PROGRESS, self._on_progress)
        self._listen_to_members(Kind.ROWS, self._on_rows)
        self._listen_to_members(Kind.OVER, self._on_over)
        self._listen_to_members(Kind.TROUBLE, self._on_trouble)

    @property
    def port(self) -> int:
        """The port that workers connect to."""
        return int(self._runner.server.port)

    @property
    def members(self) -> tuple[Member, ...]:
        """The workers, in the order of their shares of the load."""
        return self._registry.members

    def rows_file(self, member: Member) -> Path:
        """Return the file that keeps the rows of ``member`` until they are merged."""
        return self._folder / f".{member.name}.rows"

    def gather(self, on_status: Callable[[str], None]) -> None:
        """Return once all workers have joined; call ``on_status`` with each change until then.

        Raises ``WorkerPoolError`` if they do not join in time.
        """
        within_s = self._distributed.within_s
        deadline = monotonic() + within_s
        last_status = ""
        while not self._registry.complete:
            if (status := self._registry.status()) != last_status:
                on_status(status)
                last_status = status
            if monotonic() > deadline:
                command = replace(self._distributed, port=self.port).command
                raise WorkerPoolError(self._registry.shortage(within_s, command))
            gevent.sleep(POLL_S)
            for member in self.members:
                if not self._runner.has(member.id):
                    self._registry.leave(member.id)

    def start_users(self, load: Load) -> None:
        """Give each worker its share of ``load``, and start the users, spread evenly.

        Raises ``WorkerPoolError`` if the users do not start in time.
        """
        workers = self._distributed.workers.total
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
        """Dismiss all workers."""
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
                raise WorkerPoolError(f"the load worker {member.name} does not report its time")
            gevent.sleep(0)

    def order_phase(self, name: str, seconds: float, begin_s: float) -> None:
        """Order a phase of all workers that begins at ``begin_s`` of this process's clock."""
        for member in self.members:
            member.result, member.counts = None, dict.fromkeys(COUNTS, 0)
            member.row_bytes, member.applied = 0, member.clock
            self.rows_file(member).unlink(missing_ok=True)
            begin = begin_s + member.clock.offset_s
            order = {"name": name, "seconds": seconds, "begin": begin}
            self._runner.send_message(Kind.PHASE, order, member.id)

    def counts(self) -> dict[str, int]:
        """Return the counts of the phase under way, summed over all workers."""
        return {name: sum(worker.counts.get(name, 0) for worker in self.members) for name in COUNTS}

    def check(self, *, since_s: float) -> None:
        """Raise ``WorkerPoolError`` naming a worker that is gone, broke, or is silent too long.

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

    def _listen(self, kind: Kind, take: Callable[[str, Payload], None]) -> None:
        def listener(environment: Environment, msg: Message) -> None:  # noqa: ARG001 - by name
            try:
                take(msg.node_id, msg.data)
            except (KeyError, TypeError, ValueError) as error:
                self._drop(msg.node_id, reason(error))

        self._runner.register_message(kind, listener)

    def _listen_to_members(self, kind: Kind, take: Callable[[Member, Payload], None]) -> None:
        """Listen to admitted workers alone."""

        def take_of_member(client_id: str, payload: Payload) -> None:
            if (member := self._registry.get(client_id)) is not None:
                member.heard_s = monotonic()
                take(member, payload)

        self._listen(kind, take_of_member)

    def _drop(self, client_id: str | None, cause: str) -> None:
        """Note a dropped message, without the sender's id: it names a host."""
        member = self._registry.get(client_id) if client_id else None
        sender = f"the load worker {member.name}" if member else "no load worker of this run"
        self.malformed_count += 1
        if len(self.malformed) < MALFORMED_KEPT:
            self.malformed.append(f"from {sender}: {cause}")
        log.warning("a malformed message from %s was dropped: %s", sender, cause)

    def _on_hello(self, client_id: str, payload: Payload) -> None:
        entry = self._registry.enter(client_id, payload["name"], payload["fingerprint"])
        if isinstance(entry, Rejection):
            answer = {"why": entry.reason, "again": entry.may_retry}
            self._runner.send_message(Kind.REFUSED, answer, client_id)
        elif not self._runner.has(client_id):
            self._runner.admit(client_id)

    def _on_clock(self, member: Member, payload: Payload) -> None:
        if payload["number"] == len(member.exchanges):
            asked_s, worker_s = payload["asked"], payload["seen"]
            member.exchanges.append(Offset.of_exchange(asked_s, worker_s, member.heard_s))

    def _on_progress(self, member: Member, payload: Payload) -> None:
        member.counts = {name: int(payload[name]) for name in COUNTS}

    def _on_rows(self, member: Member, payload: Payload) -> None:
        rows = bytes(payload["rows"])
        member.row_bytes += len(rows)
        with self.rows_file(member).open("ab") as file:
            file.write(rows)

    def _on_over(self, member: Member, payload: Payload) -> None:
        result, expected = msgspec.convert(payload["result"], PhaseResult), payload["row_bytes"]
        if expected == member.row_bytes:
            member.result, member.rows = result, int(payload["rows"])
        else:
            member.trouble = f"only {member.row_bytes} of {expected} bytes of its rows came"

    def _on_trouble(self, member: Member, payload: Payload) -> None:
        member.trouble = payload["why"]
