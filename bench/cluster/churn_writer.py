"""The churn process: ``python -m bench.cluster.churn_writer``.

Writes keep their rate whatever the API server does (an open model), up to
``OUTSTANDING`` at once; further ones are counted as dropped.
"""

import queue
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from bench.cluster.api import Api, ApiError, ApiUnreachableError
from bench.cluster.child_rpc import Account, serve
from bench.cluster.churn_plan import ChurnPlan
from bench.cluster.objects import ObjectKey, read_argument
from bench.cluster.placement import Placement
from bench.cluster.pods import PodKey, draw_pods
from bench.cluster.population import create_pod, set_status, written_version

OUTSTANDING = 16
DRAIN_S = 2.0
"""How long a pause waits for writes in flight; each may last as long as a request may."""


@dataclass
class Tally:
    """Counts of a ``ChurnReport`` since the last resume; guarded by the writer's lock."""

    requested_per_s: float
    fewest: int
    most: int
    written: int = 0
    failed: int = 0
    dropped: int = 0
    first_failure: str | None = None


class Writer:
    """Pace writes and send them from a few threads."""

    def __init__(self, api: Api, plan: ChurnPlan, placement: Placement) -> None:
        self._api = api
        self._placement = placement
        self._plan = plan
        self._lock = threading.Condition()
        self._began = time.monotonic()
        self._tally = Tally(0.0, plan.at_least, plan.at_most)
        self._outstanding = 0
        self._newest = 0
        self._writes: queue.SimpleQueue[tuple[str, PodKey | ObjectKey]] = queue.SimpleQueue()
        self._pacer: threading.Thread | None = None
        self._halt = threading.Event()
        for _ in range(OUTSTANDING):
            threading.Thread(target=self._send, daemon=True).start()

    def resume(self, rate_per_s: float) -> None:
        """Start writing at ``rate_per_s``."""
        self.pause()
        self._began = time.monotonic()
        with self._lock:
            self._tally = Tally(rate_per_s, self._plan.at_least, self._plan.at_most)
        if rate_per_s > 0:
            self._halt = threading.Event()
            self._pacer = threading.Thread(target=self._pace, daemon=True)
            self._pacer.start()

    def pause(self) -> dict[str, Any]:
        """Stop writing, wait (bounded) until nothing is in flight, and return the counts."""
        elapsed_s = time.monotonic() - self._began
        self._halt.set()
        if self._pacer is not None:
            self._pacer.join()
            self._pacer = None
        with self._lock:
            self._lock.wait_for(lambda: self._outstanding == 0, DRAIN_S)
            return {
                **asdict(self._tally),
                "achieved_per_s": self._tally.written / elapsed_s,
                "elapsed_s": elapsed_s,
                "in_flight": self._outstanding,
                "resource_version": str(self._newest) if self._newest else "",
            }

    def _pace(self) -> None:
        period = 1.0 / self._tally.requested_per_s
        due = time.monotonic()
        while not self._halt.wait(max(0.0, due - time.monotonic())):
            due += period
            with self._lock:
                drawn = self._plan.draw() if self._outstanding < OUTSTANDING else None
                if drawn is None:
                    self._tally.dropped += 1
                    continue
                self._outstanding += 1
                self._tally.fewest = min(self._tally.fewest, self._plan.at_least)
                self._tally.most = max(self._tally.most, self._plan.at_most)
            self._writes.put(drawn)

    def _send(self) -> None:
        while True:
            kind, pod = self._writes.get()
            failure, version = None, 0
            try:
                version = int(self._write(kind, pod))
            except (ApiError, ApiUnreachableError) as error:
                failure = str(error)
            with self._lock:
                self._plan.done(kind, pod, succeeded=failure is None)
                self._newest = max(self._newest, version)
                if failure is None:
                    self._tally.written += 1
                else:
                    self._tally.failed += 1
                    self._tally.first_failure = self._tally.first_failure or failure
                self._outstanding -= 1
                self._lock.notify_all()

    def _write(self, kind: str, pod: PodKey | ObjectKey) -> str:
        if isinstance(pod, ObjectKey):
            with self._lock:
                number = self._plan.next_restarts(pod)
            self._api.merge_patch(pod.path, pod.change(number))
            return "0"  # only pods count for the newest version: caches of pods wait for it
        # A write without an answer may have been carried out: the next attempt handles that.
        if kind == "create":
            try:
                return create_pod(self._api, pod, self._placement)
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise
                return self._already_there(pod)
        if kind == "delete":
            try:
                return written_version(
                    self._api.request("DELETE", pod.path, {"gracePeriodSeconds": 0})
                )
            except ApiError as error:
                if error.reason != "NotFound":
                    raise
                return "0"
        with self._lock:
            restarts = self._plan.next_restarts(pod)
        path, patch = self._placement.change(pod, restarts)
        return str(self._api.merge_patch(path, patch)["metadata"]["resourceVersion"])

    def _already_there(self, pod: PodKey) -> str:
        if self._placement.writes_status:
            return set_status(self._api, pod, self._placement)
        return str(self._api.get(pod.path)["metadata"]["resourceVersion"])


def main() -> None:
    """Handle commands until standard input ends; the arguments give the population."""
    account, (seed, pods), kinds = Account.read(), map(int, sys.argv[2:4]), sys.argv[4:]
    api = Api(account.config(), connections=OUTSTANDING)
    drawn = draw_pods(seed, pods, namespace=account.placement.scope)
    objects = tuple(key for argument in kinds for key in read_argument(argument))
    writer = Writer(api, ChurnPlan(drawn, seed, objects), account.placement)
    serve(writer.resume, writer.pause)


if __name__ == "__main__":
    main()
