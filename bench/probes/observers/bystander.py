"""The bystander: another client of the API server, which reads a small object at a low rate.

Starts are drawn from the seed (Poisson), so that they are independent of the load's
arrivals, and do not wait for answers (an open model).
"""

import queue
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from urllib3.exceptions import TimeoutError as HttpTimeoutError

from bench.cluster.api import Api, ApiError, ApiUnreachableError
from bench.cluster.existing.namespace import MANAGED_BY, OURS
from bench.cluster.identities import Identity
from bench.cluster.placement import Placement
from bench.load.pacing import offsets
from bench.model import Arrivals
from bench.probes.observers import Observer
from kube_informer import ClientConfig

REQUESTS_PER_S = 25.0
OUTSTANDING = 16
"""Requests in flight at most; a further one is dropped, and counted."""
TIMEOUT_S = 10.0
DRAIN_S = 2.0
OK = 200
SMALL_OBJECT = "bystander"
"""The ConfigMap that it reads."""


@dataclass(frozen=True, slots=True)
class BystanderRow:
    """One request; columns as in ``results/README.md``. Times in microseconds, from one begin."""

    intended_us: int
    sent_us: int | None
    done_us: int | None
    status: int
    outcome: str


class Bystander(Observer):
    """Send requests from a few threads, at the moments of a pacer."""

    title = "bystander"
    identity = Identity(
        "bystander", ({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},)
    )
    row = BystanderRow
    placed_by = "intended_us"
    requests_per_s = REQUESTS_PER_S
    requests = f"{REQUESTS_PER_S:g} small reads/s of a bystander"

    @classmethod
    def prepare(cls, admin: Api, placement: Placement) -> None:
        """Create the ConfigMap that it reads."""
        metadata = {"name": SMALL_OBJECT, "labels": {MANAGED_BY: OURS}}
        content = {"metadata": metadata, "data": {"for": "the bystander to ask for"}}
        admin.ensure(_collection_path(placement), content)

    def __init__(self, config: ClientConfig, placement: Placement) -> None:
        self._api = Api(config, connections=OUTSTANDING, read_timeout_s=TIMEOUT_S)
        self._path = f"{_collection_path(placement)}/{SMALL_OBJECT}"
        self._lock = threading.Condition()
        self._rows: list[BystanderRow] = []
        self._outstanding = 0
        self._halt = threading.Event()
        self._pacer: threading.Thread | None = None
        self._due: queue.SimpleQueue[tuple[list[BystanderRow], float]] = queue.SimpleQueue()
        for _ in range(OUTSTANDING):
            threading.Thread(target=self._send, daemon=True).start()

    def resume(self, server: str | None, seed: str) -> None:  # noqa: ARG002 - asks the API server only
        """Send requests until paused."""
        self.pause()
        self._rows = []
        self._halt = threading.Event()
        self._pacer = threading.Thread(target=self._pace, args=(seed,), daemon=True)
        self._pacer.start()

    def pause(self) -> dict[str, Any]:
        """Stop sending, wait (bounded) until nothing is in flight, and return the rows."""
        self._halt.set()
        if self._pacer is not None:
            self._pacer.join()
            self._pacer = None
        with self._lock:
            self._lock.wait_for(lambda: self._outstanding == 0, DRAIN_S)
            rows = [asdict(row) for row in self._rows]
            return {"rows": rows, "in_flight": self._outstanding}

    def _pace(self, seed: str) -> None:
        begin = time.monotonic()
        endless = float("inf")
        for offset in offsets(Arrivals.POISSON, REQUESTS_PER_S, endless, f"bystander/{seed}"):
            due = begin + offset
            if self._halt.wait(max(0.0, due - time.monotonic())):
                return
            with self._lock:
                if self._outstanding == OUTSTANDING:
                    self._rows.append(BystanderRow(_us(due), None, None, 0, "dropped"))
                    continue
                self._outstanding += 1
            self._due.put((self._rows, due))

    def _send(self) -> None:
        while True:
            rows, due = self._due.get()
            sent = time.monotonic()
            status, outcome = self._ask()
            row = BystanderRow(_us(due), _us(sent), _us(time.monotonic()), status, outcome)
            with self._lock:
                rows.append(row)
                self._outstanding -= 1
                self._lock.notify_all()

    def _ask(self) -> tuple[int, str]:
        try:
            self._api.get_bytes(self._path)
        except ApiError as error:
            return error.code, "failed"
        except ApiUnreachableError as error:
            return 0, "timeout" if isinstance(error.__cause__, HttpTimeoutError) else "failed"
        return OK, "ok"


def _us(seconds: float) -> int:
    return round(seconds * 1e6)


def _collection_path(placement: Placement) -> str:
    return f"/api/v1/namespaces/{placement.home}/configmaps"


OBSERVER = Bystander
