"""The freshness probe: measures the age of a server's answers.

It writes about ``WRITES_PER_S`` times per second at moments drawn from the seed, so that they
are independent of the load's arrivals, and reads each write from the server until it shows.
"""

import random
import threading
import time
from dataclasses import asdict
from functools import partial
from typing import Any

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from bench.cluster.api import Api, ApiError, ApiUnreachableError
from bench.cluster.identities import Identity, pod_rule
from bench.cluster.placement import Placement
from bench.model import PROBE_NAME
from bench.probes.observers import Observer
from bench.probes.staleness import FreshnessRow, Staleness
from kube_informer import ClientConfig

WRITES_PER_S = 2.0
BOUND_S = 10.0
"""A write that no read has shown after this time is given up."""
DRAIN_S = 2.0
"""How long a pause waits for pending writes."""
LAST_READ_S = 0.5
"""How long it then waits for the read in flight."""
READ_TIMEOUT_S = 5.0
COLLECT_EVERY_S = 30.0
"""Interval of fetching arrival times, since servers keep only those of their latest events."""


class _Metadata(msgspec.Struct):
    resource_version: str = msgspec.field(name="resourceVersion")


class _Pod(msgspec.Struct):
    metadata: _Metadata


class _Answer(msgspec.Struct):
    result: _Pod


class _Times(msgspec.Struct):
    result: list[tuple[int, int]]


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_times = msgspec.json.Decoder(_Times).decode


class Reader:
    """Reader of the probe's pod from one server under test, over one connection."""

    def __init__(self, url: str, namespace: str) -> None:
        self._path = f"/pods/{namespace}/{PROBE_NAME}"
        self._pool = urllib3.connectionpool.connection_from_url(
            url, maxsize=1, retries=False, timeout=READ_TIMEOUT_S
        )

    def version(self) -> int | None:
        """Return the version of the pod that the server shows: 0 if it has no such pod.

        ``None`` without a valid answer.
        """
        try:
            answer = self._pool.request("GET", self._path)
            if answer.status == 404:
                return 0
            return int(_decode_answer(answer.data).result.metadata.resource_version)
        except (HTTPError, msgspec.MsgspecError, ValueError):
            return None

    def event_times(self, since: int) -> dict[int, int]:
        """Return arrival times of changes, by version, if the server has them at ``/events``."""
        try:
            answer = self._pool.request("GET", f"/events?since={since}")
            return dict(_decode_times(answer.data).result) if answer.status == 200 else {}
        except (HTTPError, msgspec.MsgspecError):
            return {}

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()


class FreshnessProbe(Observer):
    """Write on one thread and read on another, from ``resume`` to ``pause``."""

    title = "freshness probe"
    identity = Identity(
        "probe",
        (pod_rule("create", "delete", "get", "patch"), pod_rule("patch", subresource="status")),
    )
    row = FreshnessRow
    placed_by = "acked_us"
    requests_per_s = WRITES_PER_S
    requests = f"{WRITES_PER_S:g} writes/s of a freshness probe"

    def __init__(self, config: ClientConfig, placement: Placement) -> None:
        self._api = Api(config, connections=1)
        create_pod(self._api, placement)
        self._placement = placement
        self._lock = threading.Condition()
        self._halt = threading.Event()
        self._threads: list[threading.Thread] = []
        self._reader: Reader | None = None
        self._staleness = Staleness(int(BOUND_S * 1e6))
        self._reads = self._failed = self._written = 0
        self._newest = 0
        self._failure: str | None = None
        self._began = self._drain_until = time.monotonic()

    def resume(self, server: str | None, seed: str) -> None:
        """Write, and read from ``server`` if there is one, until paused."""
        self.pause()
        self._reader = Reader(server, self._placement.home) if server else None
        self._staleness = Staleness(int(BOUND_S * 1e6))
        self._reads = self._failed = self._written = 0
        self._failure = None
        self._halt = threading.Event()
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._write_loop, args=(seed,), daemon=True)]
        if self._reader is not None:
            self._threads.append(threading.Thread(target=self._read_loop, daemon=True))
        for thread in self._threads:
            thread.start()

    def pause(self) -> dict[str, Any]:
        """Stop writing, wait (bounded) until a read has shown every write, and return the rows."""
        elapsed_s = time.monotonic() - self._began
        self._drain_until = time.monotonic() + DRAIN_S
        self._halt.set()
        with self._lock:
            self._lock.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, self._drain_until + LAST_READ_S - time.monotonic()))
        in_flight = sum(thread.is_alive() for thread in self._threads)
        self._threads = []
        rows = self._staleness.rows
        if self._reader is not None:
            self._collect(rows)
            self._reader.close()
            self._reader = None
        return {
            "rows": [asdict(row) for row in rows],
            "reads": self._reads,
            "failed": self._failed,
            "first_failure": self._failure,
            "elapsed_s": elapsed_s,
            "in_flight": in_flight,
            "resource_version": self._newest,
        }

    def _write_loop(self, seed: str) -> None:
        rng = random.Random(f"probe/{seed}")
        due, number, collected = time.monotonic(), 0, time.monotonic()
        while True:
            due += rng.uniform(0.5, 1.5) / WRITES_PER_S
            if self._halt.wait(max(0.0, due - time.monotonic())):
                return
            number += 1
            self._write(f"{seed}/{number}")
            if self._reader is not None and time.monotonic() - collected > COLLECT_EVERY_S:
                collected = time.monotonic()
                self._collect(self._staleness.rows)

    def _write(self, mark: str) -> None:
        patch = {"metadata": {"annotations": {"informer-bench/written": mark}}}
        try:
            written = self._api.merge_patch(self._placement.probe_path, patch)
        except (ApiError, ApiUnreachableError) as error:
            self._failed += 1
            self._failure = self._failure or str(error)
            return
        acked_us = _now_us()
        version = int(written["metadata"]["resourceVersion"])
        with self._lock:
            self._written += 1
            self._newest = max(self._newest, version)
            self._staleness.wrote(acked_us, version, awaited=self._reader is not None)
            self._lock.notify_all()

    def _read_loop(self) -> None:
        reader, halt, staleness = self._reader, self._halt, self._staleness
        assert reader is not None, "only started with one"
        while True:
            with self._lock:
                self._lock.wait_for(lambda: staleness.is_pending or halt.is_set())
                if not staleness.is_pending:
                    return
                written = self._written
            if halt.is_set() and time.monotonic() > self._drain_until:
                return
            sent_us = _now_us()
            version = reader.version()
            done_us = _now_us()
            with self._lock:
                self._reads += 1
                staleness.read(sent_us, done_us, version)
                pause_us = staleness.next_read_in_us(sent_us) - (done_us - sent_us)
                self._lock.wait_for(partial(self._wrote_since, written), max(0, pause_us) / 1e6)

    def _wrote_since(self, written: int) -> bool:
        return self._written != written

    def _collect(self, rows: list[FreshnessRow]) -> None:
        """Add to each row when its event reached the server, if the server reports it."""
        unseen = [row for row in rows if row.event_us is None]
        if not unseen or self._reader is None:
            return
        times = self._reader.event_times(unseen[0].resource_version)
        for row in unseen:
            row.event_us = times.get(row.resource_version)


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def create_pod(api: Api, placement: Placement) -> None:
    """Create the probe's pod, if it does not exist."""
    api.ensure(placement.probe_path.rpartition("/")[0], placement.probe_manifest())


OBSERVER = FreshnessProbe
