"""Demo environment behind the page: cluster, churn and both servers, kept running."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from bench.cluster.control_plane import ControlPlane
from bench.cluster.populated import PopulatedCluster
from bench.interactive.playground import server_spec
from bench.interactive.restarter import Part, Restarter
from bench.interactive.service import Refused
from bench.supervision.freezer import Freezer
from bench.supervision.process import ProcessFailed
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog
from bench.sut.server import ServerUnderTest

MOST_CHURN_PER_S = 1000.0


class DemoEnvironment(Stoppable):
    """One cluster, its servers by name, and the actions that a person may take on them."""

    def __init__(
        self,
        cluster: PopulatedCluster[ControlPlane],
        watchdog: Watchdog,
        *,
        address: str,
        say: Callable[[str], None],
    ) -> None:
        self.cluster = cluster
        self.plane = cluster.plane
        self.plane.outlive_etcd()  # the restarter starts etcd again
        self.servers: dict[str, ServerUnderTest] = {}
        self.freezer = Freezer(lambda: self.plane.apiserver.pid)
        self.churn_per_s = 0.0
        self._churning = threading.Lock()
        self._watchdog = watchdog
        self._address = address
        self.restarter = Restarter(say)

    def start_server(self, name: str, port: int = 0) -> None:
        """Start the server ``name``, in place of an earlier one. Raises ``ProcessFailed``."""
        spec = server_spec(name, self.plane, host=self._address)
        self.servers[name] = ServerUnderTest.start(replace(spec, port=port), self._watchdog)

    def parts(self) -> list[Part]:
        """Return the parts to keep running, those that others depend on first."""
        control = [
            Part("etcd", lambda: self.plane.etcd, self._restart_etcd),
            Part("kube-apiserver", lambda: self.plane.apiserver, self._restart_apiserver),
            Part("churn writer", lambda: self.cluster.churn),
        ]
        return [*control, *(self._server_part(name) for name in self.servers)]

    def pids(self) -> dict[str, int]:
        """Return the ids of the processes to account for."""
        return {
            "apiserver": self.plane.apiserver.pid,
            "etcd": self.plane.etcd.pid,
            **{name: server.pid for name, server in self.servers.items()},
        }

    def state(self) -> dict[str, Any]:
        """Return the state of everything, for the page."""
        trouble = self.restarter.trouble
        return {
            "frozen_s": round(self.freezer.left_s, 1),
            "api_server_trouble": trouble("kube-apiserver") or trouble("etcd"),
            "churn_trouble": trouble("churn writer"),
            "churn_per_s": self.churn_per_s,
            "pods": self.cluster.pods,
            "servers": {name: {"trouble": trouble(name)} for name in self.servers},
        }

    def set_churn(self, per_s: float) -> None:
        """Write at this rate from now on. Raises ``Refused``."""
        if not 0 <= per_s <= MOST_CHURN_PER_S:
            raise Refused(f"writes per second are 0 to {MOST_CHURN_PER_S:g}, not {per_s:g}", 400)
        if left_s := self.freezer.left_s:
            raise Refused(f"the API server is frozen for {left_s:.0f} s more and accepts no writes")
        with self._churning:
            try:
                self.cluster.churn.resume(per_s)
            except ProcessFailed as error:
                raise Refused(str(error).partition("\n")[0]) from error
            self.churn_per_s = per_s

    @contextmanager
    def still(self) -> Iterator[None]:
        """Pause all writes meanwhile, so that counters and audit log can agree.

        A frozen API server accepts no writes anyway.
        """
        if self.freezer.left_s or self.restarter.trouble("churn writer"):
            yield
            return
        with self._churning:
            try:
                self.cluster.churn.pause()
                try:
                    yield
                finally:
                    self.cluster.churn.resume(self.churn_per_s)
            except ProcessFailed as error:
                raise Refused(str(error).partition("\n")[0]) from error

    def freeze(self) -> None:
        """Freeze the API server for the set time. Raises ``Refused``."""
        try:
            if not self.freezer.freeze():
                raise Refused("the API server is frozen already")
        except ProcessLookupError as error:
            raise Refused("the API server does not run") from error

    def stop(self) -> None:
        """Resume the API server, and stop the servers; the caller stops the cluster."""
        self.freezer.stop()
        for server in self.servers.values():
            server.stop()

    def _server_part(self, name: str) -> Part:
        def restart() -> None:
            server = self.servers[name]
            server.stop()
            self.start_server(name, int(server.url.rpartition(":")[2]))

        return Part(name, lambda: self.servers[name], restart)

    def _restart_etcd(self) -> None:
        self.plane.etcd.stop()
        self.plane.start_etcd()

    def _restart_apiserver(self) -> None:
        self.plane.apiserver.stop()
        self.plane.start_apiserver()
