"""Several replicas of one server under test, behind one handle.

They are started together, as a Deployment starts its pods; each is a separate process
with its own port. All read as one account, as the pods of one Deployment do: flow
control then treats them as it would there, and they need no right beyond a single
server's. Their User-Agents separate them in the audit log.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Self

from bench.supervision.signals import deferring_signals
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog
from bench.sut.client import Endpoint
from bench.sut.launch import ServerSpec
from bench.sut.server import ServerUnderTest, await_all


class Replicas(Stoppable):
    """The replicas of one server, all ready for requests; use as a context manager."""

    def __init__(self, servers: list[ServerUnderTest]) -> None:
        self._servers = servers

    @classmethod
    def start(cls, spec: ServerSpec, number: int, watchdog: Watchdog) -> Self:
        """Start ``number`` servers as ``spec`` describes and return once all of them are ready.

        Raises ``ProcessFailed`` as ``launch`` and ``await_ready`` do; an error leaves none running.
        """
        replicas = cls.launch(spec, number, watchdog)
        with replicas.stop_on_error():
            replicas.await_ready()
        return replicas

    @classmethod
    def launch(cls, spec: ServerSpec, number: int, watchdog: Watchdog) -> Self:
        """Start ``number`` processes and return at once."""
        replicas = cls([])
        with replicas.stop_on_error():
            for replica in range(1, number + 1):
                replicas._servers.append(ServerUnderTest(spec.for_replica(replica), watchdog))
        return replicas

    def await_ready(self) -> None:
        """Return once all of them are ready.

        Raises ``ProcessFailed`` with the end of its log if one dies or is not ready within
        the kind's ``ready_timeout_s``.
        """
        await_all(self._servers)

    def __iter__(self) -> Iterator[ServerUnderTest]:
        return iter(self._servers)

    def __len__(self) -> int:
        return len(self._servers)

    @property
    def first(self) -> ServerUnderTest:
        """The replica that the freshness probe reads from."""
        return self._servers[0]

    @property
    def urls(self) -> tuple[str, ...]:
        """Address of each of them."""
        return tuple(server.url for server in self._servers)

    @property
    def strays(self) -> set[int]:
        """Processes that left the session of the command that started them."""
        return {pid for server in self._servers for pid in server.strays()}

    @property
    def pids(self) -> tuple[int, ...]:
        """Id of each one's first process."""
        return tuple(server.pid for server in self._servers)

    @property
    def ready_s(self) -> tuple[float, float] | None:
        """Ready times of the quickest and the slowest, each from the start of its process.

        ``None``: one of them never became quiet.
        """
        took = [server.ready_s for server in self._servers if server.ready_s is not None]
        return (min(took), max(took)) if len(took) == len(self._servers) else None

    @contextmanager
    def read_paths(self) -> Iterator[Sequence[Endpoint]]:
        """Yield the address of every read path: each replica, or each worker if it has several.

        Raises ``ServerError`` if a replica does not answer.
        """
        with ExitStack() as stack:
            endpoints: list[Endpoint] = []
            for server in self._servers:
                workers = server.workers()
                for worker in workers:
                    stack.callback(worker.close)
                endpoints += workers or [server]
            yield endpoints

    def check(self) -> None:
        """Raise ``ProcessFailed`` if one of them has ended."""
        for server in self._servers:
            server.check()

    def stop(self) -> None:
        """Stop all of them at once: each may take a second to finish its requests."""
        if self._servers:
            with deferring_signals(), ThreadPoolExecutor(len(self._servers)) as stopping:
                list(stopping.map(ServerUnderTest.stop, self._servers))
