"""Live metrics: rates between two steps, each a point of the page's charts."""

import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any, Generic, Literal, TypeVar

import psutil

from bench.cluster.api import ApiError, ApiUnreachableError
from bench.cluster.populated import IDENTITY
from bench.interactive.environment import DemoEnvironment
from bench.interactive.freshness import EVERY_S as FRESH_EVERY_S
from bench.interactive.freshness import LightProbe
from bench.interactive.scrape import EVERY_S, Scraped, scrape
from bench.model import PROBE_NAME
from bench.probes.audit import COMPLETE, AuditError, AuditLog, AuditRow
from bench.probes.metrics import MetricsError
from bench.probes.observers.freshness import FreshnessProbe


class CpuSampler:
    """Reads CPU seconds by name; a restarted process begins again at 0."""

    def __init__(self) -> None:
        self._trees: dict[int, list[psutil.Process]] = {}

    def read(self, pids: Mapping[str, int]) -> dict[str, tuple[int, float]]:
        """Return the id and CPU seconds of each process tree that runs."""
        self._trees = {pid: tree for pid, tree in self._trees.items() if pid in pids.values()}
        cpu = {}
        for name, pid in pids.items():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = [process.cpu_times() for process in self._tree(pid)]
                cpu[name] = (pid, float(sum(usage.user + usage.system for usage in times)))
        return cpu

    def _tree(self, pid: int) -> list[psutil.Process]:
        tree = self._trees.get(pid)
        if tree is None or not all(process.is_running() for process in tree):
            root = psutil.Process(pid)
            tree = self._trees[pid] = [root, *root.children(recursive=True)]
        return tree


ACCOUNT = "system:serviceaccount:"
THROTTLED = 429


def identity(user: str) -> str:
    """Return the short name of a user: a ServiceAccount's own name, else all of it."""
    return user.rpartition(":")[2] if user.startswith(ACCOUNT) else user


def is_request(row: AuditRow) -> bool:
    """Whether this line counts its request.

    An opened watch (200) has a line when it begins to answer, which counts, and one
    when it ends; all other requests have one line, when they are answered.
    """
    opened = row.verb == "watch" and row.code == 200
    return opened != (row.stage == COMPLETE)


def count(rows: Iterable[AuditRow], servers: Container[str] = ()) -> Counter[tuple[str, str]]:
    """Return the requests by ``(identity, verb)``.

    A server's requests for the reads of the freshness probe count apart: no user caused them.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for row in filter(is_request, rows):
        name = identity(row.user)
        probed = row.name == PROBE_NAME and name in servers
        counts[f"{name}, for the probe" if probed else name, row.verb] += 1
    return counts


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield the changes of the environment's state from ``before`` to ``now``, a mark each."""
    if (per_s := now["churn_per_s"]) != before["churn_per_s"]:
        yield f"{per_s:g} writes per second"
    if bool(now["users"]) != bool(before["users"]):
        yield "load started" if now["users"] else "load stopped"
    if bool(now["frozen_s"]) != bool(before["frozen_s"]):
        yield "API server frozen" if now["frozen_s"] else "API server resumed"
    parts = [("API server", before["api_server_trouble"], now["api_server_trouble"])]
    for name, server in now["servers"].items():
        parts.append((f"server {name}", before["servers"][name]["trouble"], server["trouble"]))
    for part, earlier_trouble, trouble in parts:
        if bool(trouble) != bool(earlier_trouble):
            yield f"{part} down" if trouble else f"{part} started again"


def throttled(rows: Iterable[AuditRow]) -> Counter[str]:
    """Return the requests refused with 429 (too many requests), by identity."""
    return Counter(
        identity(row.user) for row in rows if row.code == THROTTLED and row.stage == COMPLETE
    )


T = TypeVar("T")
K = TypeVar("K")


class Background(Generic[T]):
    """Runs ``work`` when kicked, not sooner than ``every_s`` after it last began.

    ``latest`` is its last result; ``error`` the text of its last exception, if that
    was one of ``expected``.
    """

    def __init__(
        self, work: Callable[[], T], every_s: float, expected: tuple[type[Exception], ...]
    ) -> None:
        self._work = work
        self._every_s = every_s
        self._expected = expected
        self._began = float("-inf")
        self._thread: threading.Thread | None = None
        self.latest: T | None = None
        self.error: str | None = None

    @property
    def busy_s(self) -> float:
        """Seconds since the running work began; 0 when none runs."""
        at_work = self._thread is not None and self._thread.is_alive()
        return time.monotonic() - self._began if at_work else 0.0

    def kick(self) -> None:
        """Begin if it is due and no work runs."""
        if self.busy_s or time.monotonic() - self._began < self._every_s:
            return
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.latest = self._work()
            self.error = None
        except self._expected as error:
            self.error = str(error)


AWAY_S = 10.0
"""After so long without a step the metrics begin anew, and do not catch up."""
MOST_BYTES = 8_000_000
"""Most bytes of the audit log to read in one step: some 6,000 requests."""
RATIO_POINTS = 60
MARKS = 30
SMOOTHED = 3
"""Steps over which answers per second are averaged: workers report every three seconds."""
SILENT_S = 3.0
"""An API server that has not answered a scrape for this long counts as silent."""


class LiveMetrics:
    """Measures at each ``step``, and never by itself."""

    def __init__(self, environment: DemoEnvironment) -> None:
        self._environment = environment
        self._audit = AuditLog(environment.plane.audit_log)
        self._lock = threading.Lock()
        self._position: int | None = None
        self._last_step_s = float("-inf")
        self._cpu_sampler = CpuSampler()
        self._cpu: dict[str, tuple[int, float]] = {}
        self._answers: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._totals: Counter[tuple[str, str]] = Counter()
        self._recent: deque[tuple[Counter[str], Counter[str]]] = deque(maxlen=RATIO_POINTS)
        self._marks: deque[dict[str, Any]] = deque(maxlen=MARKS)
        self._state = {**environment.state(), "users": 0}
        self._latest: deque[tuple[float, Counter[str], Counter[str]]] = deque(maxlen=SMOOTHED)
        self._bytes: dict[str, float] = {}
        self._scraped: Scraped | None = None
        self._scrapes = Background(
            lambda: scrape(environment.plane.api(IDENTITY), environment.servers),
            EVERY_S,
            (ApiError, ApiUnreachableError, MetricsError),
        )
        plane, probe = environment.plane, FreshnessProbe.identity
        plane.admit(probe)
        self._probe = LightProbe(plane.api(probe.name), plane.placement)
        self._freshness = Background(
            lambda: self._probe.look(
                {name: server.url for name, server in environment.servers.items()}
            ),
            FRESH_EVERY_S,
            (ApiError, ApiUnreachableError),
        )
        self._probed: Mapping[str, float | None] | None = None
        """The probe's result that was last part of a point."""

    def step(
        self, users: int, answers: Mapping[str, int], failed: Mapping[str, int]
    ) -> dict[str, Any]:
        """Measure once; ``answers`` and ``failed`` count the ``users``' results by server so far.

        Returns the point since the last step (``None`` the first time) and the present state.
        """
        with self._lock:
            now = time.monotonic()
            seconds = now - self._last_step_s
            self._last_step_s = now
            away = seconds > AWAY_S
            if away:
                self._position = None
                self._recent.clear()
                self._latest.clear()
            self._scrapes.kick()
            if not self._environment.freezer.left_s:
                self._freshness.kick()
            rows, trouble = self._new_rows()
            good = _since(self._answers, Counter(answers))
            bad = _since(self._failed, Counter(failed))
            self._answers, self._failed = Counter(answers), Counter(failed)
            cpu = self._cpu_since(seconds)
            point = None if away else self._point(seconds, rows, good, bad, cpu)
            self._mark(users)
            return {"point": point, "now": self._now(trouble)}

    def _mark(self, users: int) -> None:
        """Keep each change as a mark; the requests per answer begin anew with it."""
        before, self._state = self._state, {**self._environment.state(), "users": users}
        for change in changes(before, self._state):
            self._marks.append({"at": round(time.time(), 3), "what": change})
            self._recent.clear()

    def close(self) -> None:
        """Close the audit log."""
        self._audit.close()

    def _new_rows(self) -> tuple[list[AuditRow], str | None]:
        try:
            if self._position is None:
                self._position = self._audit.size()
            rows, self._position = self._audit.lines(self._position, MOST_BYTES)
        except AuditError as error:
            self._position = None
            return [], str(error)
        return rows, None

    def _point(
        self,
        seconds: float,
        rows: list[AuditRow],
        good: Counter[str],
        bad: Counter[str],
        cpu: dict[str, float],
    ) -> dict[str, Any]:
        counts = count(rows, self._environment.servers)
        self._totals += counts
        by_identity: Counter[str] = Counter()
        for (name, _), number in counts.items():
            by_identity[name] += number
        self._recent.append((by_identity, good))
        self._latest.append((seconds, good, bad))
        servers = self._environment.servers
        return {
            "at": round(time.time(), 3),
            "seconds": round(seconds, 3),
            "requests": _by_identity(_rates(counts, seconds)),
            "throttled": _rates(throttled(rows), seconds),
            "answers": self._smoothed(servers, 1),
            "failed": self._smoothed(servers, 2),
            "cpu": cpu,
            "bytes": self._bytes_since(),
            "freshness": self._newly_fresh(),
        }

    def _newly_fresh(self) -> dict[str, float | None]:
        """Return the probe's result since the last point, in ms; empty if there is no new one."""
        latest = self._freshness.latest
        if latest is None or latest is self._probed or self._freshness.error:
            return {}
        self._probed = latest
        return {name: None if age is None else round(age, 2) for name, age in latest.items()}

    def _smoothed(self, names: Iterable[str], which: Literal[1, 2]) -> dict[str, float]:
        """Return good (1) or failed (2) answers per second over the latest steps."""
        seconds = sum(step[0] for step in self._latest)
        return {
            name: round(sum(step[which][name] for step in self._latest) / seconds, 3)
            for name in names
        }

    def _cpu_since(self, seconds: float) -> dict[str, float]:
        before, self._cpu = self._cpu, self._cpu_sampler.read(self._environment.pids())
        return {
            name: round(max(0.0, cpu_s - before[name][1]) / seconds, 4)
            for name, (pid, cpu_s) in self._cpu.items()
            if name in before and before[name][0] == pid
        }

    def _bytes_since(self) -> dict[str, float]:
        """Return bytes per second between the last two scrapes."""
        latest, before = self._scrapes.latest, self._scraped
        if latest is None or latest is before:
            return self._bytes
        self._scraped = latest
        if before is None:
            return self._bytes
        seconds = latest.at_s - before.at_s
        growth = {"apiserver": latest.bytes_sent - before.bytes_sent}
        for name, total in latest.received.items():
            if name in before.received:
                growth[name] = total - before.received[name]
        self._bytes = {name: round(max(0.0, size) / seconds) for name, size in growth.items()}
        return self._bytes

    def _now(self, trouble: str | None) -> dict[str, Any]:
        scraped, ages = self._scrapes.latest, self._freshness.latest or {}
        return {
            **self._state,
            "marks": list(self._marks),
            "silent_s": round(busy) if (busy := self._scrapes.busy_s) > SILENT_S else 0,
            "audit_trouble": trouble,
            "scrape_trouble": self._scrapes.error,
            "not_shown": [name for name, age in ages.items() if age is None],
            "watches": scraped.watches if scraped else None,
            "pod_watches": scraped.pod_watches if scraped else None,
            "rejected": scraped.rejected if scraped else None,
            "totals": _by_identity(dict(sorted(self._totals.items()))),
            "per_answer": self._per_answer(),
            "per_answer_since": len(self._recent) < RATIO_POINTS,
        }

    def _per_answer(self) -> dict[str, float | None]:
        """Return API requests per useful answer of each server over the last minute."""
        ratios: dict[str, float | None] = {}
        for name in self._environment.servers:
            asked = sum(requests[name] for requests, _ in self._recent)
            good = sum(answers[name] for _, answers in self._recent)
            ratios[name] = round(asked / good, 4) if good else None
        return ratios


def _since(before: Counter[str], now: Counter[str]) -> Counter[str]:
    """Return the counts since ``before``; statistics that were reset began at 0."""
    return Counter(
        {name: now[name] - (before[name] if now[name] >= before[name] else 0) for name in now}
    )


def _rates(counts: Counter[K], seconds: float) -> dict[K, float]:
    return {name: round(number / seconds, 3) for name, number in counts.items()}


def _by_identity(numbers: Mapping[tuple[str, str], float]) -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = {}
    for (name, verb), number in numbers.items():
        table.setdefault(name, {})[verb] = number
    return table
