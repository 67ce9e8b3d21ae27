"""Session of manual tests, written as a results folder: each server of each test is a trial.

Trials are written when their test ends, so that no rows are kept in memory.
"""

import dataclasses
import datetime as dt
import tarfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.interactive.environment import DemoEnvironment
from bench.interactive.manual_trial import ManualTrial, RequestedTest, trial_of
from bench.interactive.service import Refused
from bench.model import (
    SCHEMA,
    Caveat,
    CaveatKind,
    Plan,
    RunRecord,
    RunState,
    Scenario,
    Trial,
    TrialRecord,
)
from bench.sites.provenance import describe
from bench.store import Store

CAVEAT = (
    "started by hand: not interleaved, not drained at the marks, and servers loaded at once share "
    "the machine; no comparison may rest on it"
)


class Session:
    """The tests of one page so far; safe to use from several threads."""

    def __init__(self, environment: DemoEnvironment, folder: Path, *, seed: int) -> None:
        self._environment = environment
        self._folder = folder
        self._lock = threading.Lock()
        self._test: ManualTrial | None = None
        self._number = 0
        self._trials: list[TrialRecord] = []
        self._scenarios: dict[str, Scenario] = {}
        now = dt.datetime.now(dt.UTC)
        self._record = RunRecord(
            schema=SCHEMA,
            run=f"{now:%Y%m%dT%H%M%SZ}-by-hand",
            state=RunState.RUNNING,
            started_at=now.isoformat(timespec="seconds"),
            plan=Plan("by-hand", "Tests by hand on Locust's page", seed, (), 1, 0.0, 1.0, ()),
            environment=describe(environment.plane.binaries),
            trials_planned=0,
            caveats=(Caveat(CaveatKind.NOT_INTERLEAVED, CAVEAT),),
        )
        self._store = Store(folder / "session")
        self._writer = self._store.create(self._record)

    def begin(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Take the marks before a test and return the folder for its request rows."""
        requested = RequestedTest.of(content)
        with self._lock:
            if self._test is not None:
                self._test.close()
            self._number += 1
            rows = self._folder / "rows"  # of all tests: the marks tell whose a row is
            rows.mkdir(exist_ok=True)
            self._test = ManualTrial(self._number, requested, self._environment, rows)
            self._test.begin()
            return {"folder": str(rows)}

    def end(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Take the marks after the test, and write its trials."""
        with self._lock:
            test, self._test = self._test, None
            if test is None:
                raise Refused("no test is under way")
            try:
                self._write(test, users=max(1, int(content["users"])))
            finally:
                test.close()
            return {"trials": len(self._trials)}

    def pack(self) -> dict[str, Any]:
        """Write all finished tests as one archive and return its path and name."""
        with self._lock:
            if not self._trials:
                raise Refused("no test has been started and stopped yet: there are no results")
            ended = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            record = dataclasses.replace(self._record, state=RunState.COMPLETE, ended_at=ended)
            self._writer.update(record)
            path = self._folder / f"session-{time.monotonic_ns()}.tar.gz"
            with tarfile.open(path, "w:gz") as archive:
                archive.add(self._writer.folder, arcname=record.run, filter=_without_owner)
            return {"file": str(path), "name": f"{record.run}.tar.gz"}

    def _write(self, test: ManualTrial, *, users: int) -> None:
        scenario = test.end(users=users)
        self._scenarios[scenario.name] = scenario
        for server in test.requested.servers:
            earlier = [record.trial for record in self._trials if record.trial.server == server]
            number = 1 + sum(trial.scenario == scenario.name for trial in earlier)
            trial = Trial(len(self._trials), scenario.name, server, number)
            record, tables = trial_of(trial, test)
            self._writer.write_trial(record, **tables)
            self._trials.append(record)
        self._record = dataclasses.replace(
            self._record, plan=self._plan(), trials_planned=len(self._trials)
        )
        self._writer.update(self._record)

    def _plan(self) -> Plan:
        return dataclasses.replace(
            self._record.plan,
            servers=tuple(sorted({record.trial.server for record in self._trials})),
            rounds=max(record.trial.round for record in self._trials),
            duration_s=max(record.window_s for record in self._trials),
            scenarios=tuple(self._scenarios.values()),
        )


def _without_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return ``entry`` without its owner's names and ids."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
