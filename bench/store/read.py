"""Reading a run: records as dataclasses, tables as pandas frames."""

from pathlib import Path

import pandas as pd

from bench.model import EqualityRecord, RunRecord, Trial, TrialRecord
from bench.store.errors import StoreError
from bench.store.files import TEMPORARY
from bench.store.records import read_record
from bench.store.tables import (
    AUDIT,
    BYSTANDER,
    FRESHNESS,
    REQUESTS,
    SAMPLES,
    SCRAPES,
    TABLES,
    read_table,
)


class RunReader:
    """The reader of one run's folder, complete or not."""

    def __init__(self, folder: Path) -> None:
        """Open ``folder``; raise ``StoreError`` when its ``run.json`` cannot be read."""
        self.folder = folder
        self.record: RunRecord = read_record(folder / "run.json", RunRecord)

    @property
    def equality(self) -> EqualityRecord | None:
        """The equality phase, or ``None`` when the run has none; raises ``StoreError``."""
        path = self.folder / "equality.json"
        return read_record(path, EqualityRecord) if path.exists() else None

    def trials(self) -> list[TrialRecord]:
        """Return the trials that were written, in the order they were made.

        Raises ``StoreError`` when a record is damaged or its folder was renamed.
        """
        folder = self.folder / "trials"
        if not folder.is_dir():
            return []
        found = []
        for path in sorted(folder.iterdir()):
            if not path.is_dir() or path.name.startswith(TEMPORARY):
                continue
            record = read_record(path / "trial.json", TrialRecord)
            if record.trial.folder != path.name:
                raise StoreError(
                    f"{path / 'trial.json'}: the record is of trial {record.trial.folder}, "
                    f"the folder is called {path.name}"
                )
            found.append(record)
        return sorted(found, key=lambda record: record.trial.order)

    def has(self, trial: TrialRecord | Trial | str, table: str) -> bool:
        """Tell whether ``table`` was measured: a name in ``bench.store.tables.TABLES``."""
        return (self.trial_folder(trial) / TABLES[table].file).exists()

    def requests(self, trial: TrialRecord | Trial | str) -> pd.DataFrame:
        """Return one row an intended request; microseconds from the window's begin."""
        return read_table(self.trial_folder(trial), REQUESTS)

    def audit(self, trial: TrialRecord | Trial | str) -> pd.DataFrame:
        """Return one row an audit ID, of all users, between the marks."""
        return read_table(self.trial_folder(trial), AUDIT)

    def scrapes(self, trial: TrialRecord | Trial | str) -> pd.DataFrame:
        """Return one row a series and mark."""
        return read_table(self.trial_folder(trial), SCRAPES)

    def samples(self, trial: TrialRecord | Trial | str) -> pd.DataFrame:
        """Return one row a process and instant: cumulative CPU seconds, memory in bytes."""
        return read_table(self.trial_folder(trial), SAMPLES)

    def freshness(self, trial: TrialRecord | Trial | str) -> pd.DataFrame:
        """Return one row a write of the probe: when which read showed it."""
        return read_table(self.trial_folder(trial), FRESHNESS)

    def bystander(self, trial: TrialRecord | Trial | str) -> pd.DataFrame:
        """Return one row a request of the bystander; microseconds from the window's begin."""
        return read_table(self.trial_folder(trial), BYSTANDER)

    def trial_folder(self, trial: TrialRecord | Trial | str) -> Path:
        """Return the folder that holds ``trial``'s files."""
        if isinstance(trial, TrialRecord):
            trial = trial.trial
        name = trial.folder if isinstance(trial, Trial) else trial
        return self.folder / "trials" / name
