"""Manual trial: one test that a person starts, from its begin mark to its records."""

import dataclasses
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from bench.cluster.api import ApiError, ApiUnreachableError
from bench.interactive.environment import DemoEnvironment
from bench.interactive.service import Refused
from bench.model import (
    SCHEMA,
    Arrivals,
    Caveat,
    CaveatKind,
    Outcome,
    Scenario,
    Trial,
    TrialRecord,
)
from bench.probes.metrics import MetricsError
from bench.probes.processes import Trees, usage
from bench.store.tables import REQUESTS
from bench.sut.registry import ServerError
from bench.trial.marks import Mark, Marker

TIMES = ("intended_us", "sent_us", "done_us")


def read_rows(folder: Path, server: str, *, begin_s: float, end_s: float) -> pd.DataFrame:
    """Return the rows of ``server`` between two moments, times counted from the first.

    The moments are in seconds since the epoch. Pieces are
    ``<server>-<the piece's begin in us>-<number>.parquet``; each is removed once it is
    read. A load that continues past a mark leaves rows of the time beyond it.
    """
    frames = [REQUESTS.empty()]
    begin_us = round(begin_s * 1e6)
    for path in sorted(folder.glob(f"{server}-*.parquet")):
        frame = pd.read_parquet(path)
        shift = int(path.stem.split("-")[-2]) - begin_us
        for column in TIMES:
            frame[column] = frame[column].astype("Int64") + shift
        frames.append(frame)
        path.unlink()
    rows = pd.concat(frames) if len(frames) > 1 else frames[0]
    rows = rows[rows["intended_us"].between(0, (end_s - begin_s) * 1e6, inclusive="left")]
    return rows.sort_values("intended_us", ignore_index=True)


UNREADABLE = (Refused, ServerError, ApiError, ApiUnreachableError, MetricsError)


@dataclass(frozen=True, slots=True)
class RequestedTest:
    """A test that a person started, as the form describes it."""

    servers: tuple[str, ...]
    routes: tuple[str, ...]
    namespace: str
    selector: str
    rate: float | None
    arrivals: Arrivals
    outstanding: int
    timeout_s: float

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "RequestedTest":
        """Read the page's description. Raises ``Refused`` if a part is missing or wrong."""
        try:
            return msgspec.convert(content, cls)
        except msgspec.ValidationError as error:
            raise Refused(f"not a test: {error}", 400) from error

    def scenario(self, users: int, *, pods: int, churn_per_s: float) -> Scenario:
        """Return the scenario of this test, named after its requests and its load."""
        route = self.routes[0] if len(self.routes) == 1 else f"mix of {len(self.routes)} routes"
        load = f"{users} users" if self.rate is None else f"{self.rate:g} per s each"
        parts = [route, self.namespace, self.selector, load]
        return Scenario(
            name=re.sub(r"[^a-z0-9]+", "-", " ".join(parts).lower()).strip("-"),
            route=self.routes[0] if len(self.routes) == 1 else "mix",
            users=users if self.rate is None else self.outstanding,
            pods=pods,
            rate_rps=self.rate,
            churn_per_s=churn_per_s,
            arrivals=self.arrivals,
            probe=False,
            control=False,
        )


class ManualTrial:
    """The marks around one test, with one marker per server."""

    def __init__(
        self, number: int, requested: RequestedTest, environment: DemoEnvironment, rows: Path
    ) -> None:
        self.requested = requested
        self.environment = environment
        self.rows = rows
        self.churn_per_s = environment.churn_per_s
        self.started_s = time.time()
        self.markers = {name: _marker(number, environment, name) for name in requested.servers}
        self.begun: dict[str, Mark] = {}
        self.ended: dict[str, Mark] = {}
        self.failure: str | None = None
        self.notes: list[tuple[CaveatKind, str]] = []

    def begin(self) -> None:
        """Take the marks before the test; an unreadable mark makes its trials fail."""
        try:
            with self.environment.still():
                self.begun = {name: marker.begin() for name, marker in self.markers.items()}
        except UNREADABLE as error:
            self.failure = str(error)

    def end(self, *, users: int) -> Scenario:
        """Take the marks after the test, and return the scenario that its trials share."""
        try:
            with self.environment.still():
                self.ended = {name: marker.end() for name, marker in self.markers.items()}
        except UNREADABLE as error:
            self.failure = self.failure or str(error)
        now = self.environment.churn_per_s
        if now != self.churn_per_s:
            text = f"churn was set from {self.churn_per_s:g} to {now:g} writes per second meanwhile"
            self.notes.append((CaveatKind.CHURN_NOT_REACHED, text))
        return self.requested.scenario(
            users, pods=self.environment.cluster.pods, churn_per_s=self.churn_per_s
        )

    def close(self) -> None:
        """Close all markers."""
        for marker in self.markers.values():
            marker.close()


def trial_of(trial: Trial, test: ManualTrial) -> tuple[TrialRecord, dict[str, Any]]:
    """Return the trial's record, and its tables by name, from the test of its server."""
    begin, end = test.begun.get(trial.server), test.ended.get(trial.server)
    begin_s = begin.at_monotonic_s + begin.clock_offset_s if begin else test.started_s
    end_s = end.at_monotonic_s + end.clock_offset_s if end else math.inf
    requests = read_rows(test.rows, trial.server, begin_s=begin_s, end_s=end_s)
    window_s = max(0.001, float(requests["intended_us"].max()) / 1e6 if len(requests) else 0.0)
    record = TrialRecord(
        schema=SCHEMA,
        trial=trial,
        outcome=Outcome.FAILED,
        window_begin_epoch_s=begin_s,
        window_end_epoch_s=begin_s + window_s,
        window_s=window_s,
        marks_s=window_s,
        request_timeout_s=test.requested.timeout_s,
        requested_rps=test.requested.rate,
        achieved_rps=_count(requests, "ok") / window_s,
        sent=int(requests["sent_us"].notna().sum()),
        answered=_count(requests, "ok"),
        failed=_count(requests, "failed") + _count(requests, "timeout"),
        dropped=_count(requests, "dropped"),
        churn_requested_per_s=test.churn_per_s,
        churn_achieved_per_s=test.churn_per_s,
        pods_at_start=test.environment.cluster.pods,
        identity=test.environment.servers[trial.server].kind.identity,
        failure=test.failure,
    )
    notes = list(test.notes)
    marker = test.markers[trial.server]
    columns = {name: requests[name] for name in requests.columns}
    # With two servers at once the control plane's counts and CPU belong to neither.
    alone = len(test.requested.servers) == 1
    scrapes = [row for row in marker.scrapes if alone or row.source == "server"]
    tables: dict[str, Any] = {"requests": columns, "scrapes": scrapes}
    if begin is not None and end is not None and test.failure is None:
        record = _with_costs(record, begin, end, alone=alone)
        tables["audit"] = marker.audit_rows(begin, end)
        notes += marker.caveats(begin, end)
    else:
        notes.append((CaveatKind.TRIAL_FAILED, test.failure or "a mark is missing"))
    if record.failed:
        notes.append((CaveatKind.FAILED_REQUESTS, f"{record.failed} requests failed"))
    caveats = tuple(
        Caveat(kind, text, trial.scenario, trial.server, trial.round) for kind, text in notes
    )
    return dataclasses.replace(record, caveats=caveats), tables


def _with_costs(record: TrialRecord, begin: Mark, end: Mark, *, alone: bool) -> TrialRecord:
    used = usage(*end.pids["server"])
    return dataclasses.replace(
        record,
        outcome=Outcome.OK,
        begin_mark_epoch_s=begin.scraped_epoch_s,
        marks_s=end.at_monotonic_s - begin.at_monotonic_s,
        server_cpu_s=end.cpu_since(begin, "server"),
        server_pss_end_bytes=used.pss_bytes if used else None,
        apiserver_cpu_s=end.cpu_since(begin, "apiserver") if alone else None,
        etcd_cpu_s=end.cpu_since(begin, "etcd") if alone else None,
    )


def _marker(number: int, environment: DemoEnvironment, server: str) -> Marker:
    def pids() -> dict[str, Trees]:
        by_name = environment.pids()
        return {
            "apiserver": (by_name["apiserver"],),
            "etcd": (by_name["etcd"],),
            "server": (by_name[server],),
        }

    return Marker(
        number,
        environment.plane,
        lambda: [environment.servers[server]],
        pids,
    )


def _count(requests: pd.DataFrame, outcome: str) -> int:
    return int((requests["outcome"] == outcome).sum())
