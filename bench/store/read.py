"""Reading a run: records as dataclasses, tables as pandas frames."""

import math
import re
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from bench.model import NO_SERVER, EqualityRecord, Outcome, RunRecord, Trial, TrialRecord
from bench.store.errors import StoreError
from bench.store.files import TEMPORARY
from bench.store.records import read_record
from bench.store.tables import (
    AUDIT,
    REQUESTS,
    SAMPLES,
    SCRAPES,
    START,
    TABLES,
    read_observed,
    read_table,
)

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
PART_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]*")
"""Name of a scenario or server: part of file names, as the run's name is."""
AnyTrial = TrialRecord | Trial


class RunReader:
    """The reader of one run's folder, complete or not."""

    def __init__(self, folder: Path) -> None:
        """Open ``folder``; raise ``StoreError`` when its ``run.json`` cannot be read."""
        self.folder = folder
        self.record: RunRecord = read_record(folder / "run.json", RunRecord)
        _check_names(folder / "run.json", self.record)

    @property
    def equality(self) -> EqualityRecord | None:
        """The equality phase, or ``None`` when the run has none; raises ``StoreError``."""
        path = self.folder / "equality.json"
        return read_record(path, EqualityRecord) if path.exists() else None

    def trials(self) -> list[TrialRecord]:
        """Return the written trials, in the order in which they ran.

        Raises ``StoreError`` when a record is damaged or its folder was renamed.
        """
        folder = self.folder / "trials"
        if not folder.is_dir():
            return []
        records = []
        for path in sorted(folder.iterdir()):
            if not path.is_dir() or path.name.startswith(TEMPORARY):
                continue
            record = read_record(path / "trial.json", TrialRecord)
            if record.trial.folder != path.name:
                raise StoreError(
                    f"{path / 'trial.json'}: the record is of trial {record.trial.folder}, "
                    f"the folder is called {path.name}"
                )
            _check_times(path / "trial.json", record)
            records.append(record)
        return sorted(records, key=lambda record: record.trial.order)

    def has(self, trial: AnyTrial, table: str) -> bool:
        """Return whether ``table`` was measured: one of the trial's own, or an observer's name."""
        return (self.trial_folder(trial) / f"{table}.parquet").exists()

    def lost_tables(self) -> list[Path]:
        """Return the missing files among those that each good trial has.

        Raises ``StoreError`` as ``trials``.
        """
        lost, scenarios = [], self.record.plan.scenarios
        loaded = {scenario.name for scenario in scenarios if scenario.has_load}
        for record in self.trials():
            if record.outcome is Outcome.OK:
                is_loaded = record.trial.server != NO_SERVER and record.trial.scenario in loaded
                tables = (SCRAPES, SAMPLES, *((REQUESTS,) if is_loaded else ()))
                lost += [self.trial_folder(record) / table.file for table in tables]
        return [path for path in lost if not path.exists()]

    def requests(self, trial: AnyTrial, columns: Collection[str] | None = None) -> pd.DataFrame:
        """Return a row per intended request; microseconds from the window's begin."""
        return read_table(self.trial_folder(trial), REQUESTS, columns)

    def audit(self, trial: AnyTrial, columns: Collection[str] | None = None) -> pd.DataFrame:
        """Return a row per audit ID, of all users, between the marks; all ``columns`` by default.

        Most of the table is identifiers and paths of requests, which few callers need.
        """
        return read_table(self.trial_folder(trial), AUDIT, columns)

    def start(self, trial: AnyTrial, columns: Collection[str] | None = None) -> pd.DataFrame:
        """Return a row per audit ID of a client's requests from its start until it was ready."""
        return read_table(self.trial_folder(trial), START, columns)

    def scrapes(self, trial: AnyTrial) -> pd.DataFrame:
        """Return a row per series and mark."""
        return read_table(self.trial_folder(trial), SCRAPES)

    def samples(self, trial: AnyTrial) -> pd.DataFrame:
        """Return a row per process and instant: cumulative CPU seconds, memory in bytes."""
        return read_table(self.trial_folder(trial), SAMPLES)

    def observers(self, trial: AnyTrial) -> list[str]:
        """Return the names of the observers whose tables ``trial`` has, sorted."""
        names = (path.stem for path in self.trial_folder(trial).glob("*.parquet"))
        return sorted(name for name in names if name not in TABLES)

    def observed(
        self, trial: AnyTrial, observer: str, columns: Collection[str] = ()
    ) -> pd.DataFrame:
        """Return the rows of ``observer``; microseconds from the window's begin.

        Raises ``StoreError`` when it did not run, or its table lacks one of ``columns``.
        """
        return read_observed(self.trial_folder(trial), observer, columns)

    def trial_folder(self, trial: AnyTrial) -> Path:
        """Return the folder that holds ``trial``'s files."""
        key = trial.trial if isinstance(trial, TrialRecord) else trial
        return self.folder / "trials" / key.folder


def _check_names(path: Path, record: RunRecord) -> None:
    """Raise ``StoreError`` for names that would lead out of the folder of a report.

    Results may come from anybody, and reports are written by these names.
    """
    if not RUN_NAME.fullmatch(record.run):
        raise StoreError(f"{path}: key run: {record.run!r} cannot name a run: it is no file name")
    plan = record.plan
    for key, names in (
        ("scenarios", [scenario.name for scenario in plan.scenarios]),
        ("servers", plan.servers),
        ("external", [server.name for server in plan.external]),
        ("client", [client.name for client in plan.clients]),
    ):
        for name in names:
            if not PART_NAME.fullmatch(name):
                raise StoreError(f"{path}: key plan.{key}: {name!r} cannot be part of a file name")


def _check_times(path: Path, record: TrialRecord) -> None:
    """Raise ``StoreError`` for a good trial that lasted no time: rates are computed over it."""
    if record.outcome is not Outcome.OK:
        return
    for key, seconds in (("window_s", record.window_s), ("marks_s", record.marks_s)):
        if not 0 < seconds < math.inf:
            raise StoreError(
                f"{path}: key {key}: a good trial lasts longer than {seconds:g} s; the file was "
                "changed by hand, or is damaged: remove the trial's folder"
            )
