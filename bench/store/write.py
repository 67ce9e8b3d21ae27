"""Write a run, trial by trial, each whole or not at all."""

import fcntl
import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from bench.model import EqualityRecord, RunRecord, Trial, TrialRecord
from bench.store.errors import StoreError
from bench.store.files import move_folder, new_folder
from bench.store.records import write_record
from bench.store.tables import TABLES, ObserverRows, Rows, observer_table, write_table


class RunWriter:
    """The only writer of one run's folder, as long as it lives.

    Every call leaves the folder readable.
    """

    def __init__(self, folder: Path, run: str) -> None:
        """Lock ``folder``; raise ``StoreError`` if another writer has locked it."""
        self.folder = folder
        self._run = run
        self.close = weakref.finalize(self, os.close, _lock(folder))

    def update(self, record: RunRecord) -> None:
        """Replace ``run.json``: the run was resumed, extended or ended.

        Raises ``StoreError`` when ``record`` is of another run, or cannot be written.
        """
        if record.run != self._run:
            raise StoreError(f"{self.folder} holds run {self._run!r}, not {record.run!r}")
        write_record(self.folder / "run.json", record)

    def write_equality(self, record: EqualityRecord) -> None:
        """Write ``equality.json``; a later call replaces it. Raises ``StoreError``."""
        write_record(self.folder / "equality.json", record)

    def set_aside(self, record: TrialRecord) -> Path:
        """Move a trial's folder to ``set-aside``, to make room for another attempt at it.

        Returns its new path. Raises ``StoreError`` when it cannot be moved.
        """
        trial = record.trial
        attempt = max(record.attempt or 1, self.attempts(trial) + 1)
        target = self.folder / "set-aside" / f"{trial.folder}-attempt{attempt}"
        return move_folder(self.folder / "trials" / trial.folder, target)

    def attempts(self, trial: Trial) -> int:
        """Return the number of the last attempt at ``trial`` that was set aside; 0: none was."""
        folders = (self.folder / "set-aside").glob(f"{trial.folder}-attempt*")
        numbers = (path.name.rpartition("-attempt")[2] for path in folders)
        return max((int(number) for number in numbers if number.isdecimal()), default=0)

    def write_trial(
        self,
        record: TrialRecord,
        *,
        requests: Rows | None = None,
        audit: Rows | None = None,
        start: Rows | None = None,
        scrapes: Rows | None = None,
        samples: Rows | None = None,
        observed: Mapping[str, ObserverRows] = MappingProxyType({}),
    ) -> Path:
        """Write one trial's folder, whole or not at all, and return it.

        A table is dataclass rows, columns by name, or the path of a Parquet file,
        which is moved in (its source is removed once the trial is written);
        ``observed`` has a table of each observer that ran, by its name.
        ``None`` writes no file: the table was not measured; an empty table was.
        Raises ``StoreError`` when the trial exists already, a value has the
        wrong type, or the disk is full; earlier trials are not changed.
        """
        values = zip(TABLES.values(), (requests, audit, start, scrapes, samples), strict=True)
        tables = [(table, rows) for table, rows in values if rows is not None]
        tables += [(observer_table(name, row), rows) for name, (row, rows) in observed.items()]
        path = self.folder / "trials" / record.trial.folder
        with new_folder(path) as partial:
            for table, rows in tables:
                write_table(partial, table, rows)
            write_record(partial / "trial.json", record)
        for _, rows in tables:
            if isinstance(rows, Path):
                rows.unlink(missing_ok=True)
        return path


def _lock(folder: Path) -> int:
    """Lock ``folder`` and return the file descriptor; the kernel unlocks when a process ends."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror or error}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise StoreError(
            f"{folder} is being written to by another process; wait for its end"
        ) from error
    return handle
