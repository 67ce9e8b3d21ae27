"""The run index: create a run, or find one by name, path or "latest"."""

import difflib
from pathlib import Path

from bench.model import RunRecord
from bench.store.errors import StoreError, UnknownRunError
from bench.store.files import TEMPORARY, new_folder, write_file
from bench.store.read import RUN_NAME, RunReader
from bench.store.records import read_record, write_record
from bench.store.write import RunWriter

LATEST = "latest"


class Store:
    """A folder of runs, usually ``results/``."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def create(self, record: RunRecord, plan_toml: str | None = None) -> RunWriter:
        """Make the folder of a new run, with its ``run.json``, and return its writer.

        Raises ``StoreError`` when the name is no plain file name, is "latest", or is
        taken: results are never overwritten.
        """
        if not RUN_NAME.fullmatch(record.run) or record.run == LATEST:
            raise StoreError(
                f"{record.run!r} cannot name a run: letters, digits, '.', '_' and '-' only, "
                f"beginning with a letter or digit, and not {LATEST!r}"
            )
        folder = self.root / record.run
        with new_folder(folder) as partial:
            write_record(partial / "run.json", record)
            if plan_toml is not None:
                write_file(partial / "plan.toml", plan_toml.encode())
            (partial / "trials").mkdir()
        return RunWriter(folder, record.run)

    def reopen(self, run: str | Path) -> RunWriter:
        """Return a writer of an existing run; raises as ``open`` does.

        Also raises ``StoreError`` when another process is writing to it.
        """
        reader = self.open(run)
        return RunWriter(reader.folder, reader.record.run)

    def open(self, run: str | Path) -> RunReader:
        """Open a run by name or path, or with "latest" the last one that has a finished trial.

        Raises ``UnknownRunError``, which lists the runs and the nearest name;
        ``StoreError`` for a newer schema or a damaged ``run.json``.
        """
        name = str(run)
        if name == LATEST:
            return RunReader(self.root / self._latest())
        if RUN_NAME.fullmatch(name) and (self.root / name).is_dir():
            return RunReader(self.root / name)
        if (Path(run) / "run.json").is_file():
            return RunReader(Path(run))
        raise UnknownRunError(self._unknown(name))

    def runs(self) -> list[str]:
        """Return the names of all runs, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(
            path.name
            for path in self.root.iterdir()
            if (path / "run.json").is_file() and not path.name.startswith(TEMPORARY)
        )

    def _latest(self) -> str:
        started: list[tuple[str, str]] = []
        for run in self.runs():
            try:
                record = read_record(self.root / run / "run.json", RunRecord)
            except StoreError:  # one damaged run must not hide the others; opened by name it raises
                continue
            if any((self.root / run / "trials").glob("*/trial.json")):
                started.append((record.started_at, run))
        if not started:
            raise UnknownRunError(
                f"no run in {self.root} has a finished trial; make one with: make bench"
            )
        return max(started)[1]

    def _unknown(self, name: str) -> str:
        runs = self.runs()
        if not runs:
            return f"no run {name!r}: {self.root} holds none; make one with: make bench"
        near = difflib.get_close_matches(name, runs, n=1, cutoff=0.4)
        hint = f"; the nearest is {near[0]}" if near else ""
        return f"no run {name!r} in {self.root}{hint}. There are: {', '.join(runs)}"
