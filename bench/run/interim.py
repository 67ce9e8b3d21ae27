"""Interim reports: what a run shows so far, made between its rounds by a child of low priority.

Nothing is measured meanwhile: the run loop waits for the child, so that no window has it beside it.
"""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.model import RunRecord
from bench.store import Store
from bench.supervision.failure import describe_exit
from bench.supervision.process import ProcessFailed, SupervisedProcess
from bench.supervision.progress import Progress
from bench.supervision.watchdog import Watchdog

if TYPE_CHECKING:
    from bench.analysis import RunAnalysis

TIMEOUT_S = 120.0
LOW_PRIORITY = 10
"""A nice value: the reports yield to everything else, and do not starve on a busy machine."""
LEAST_APART = 10
"""So many times as long as it took to make the last report is measured before the next one."""


class InterimReports:
    """Makes the report of a run under way into the folder ``reports``, and shows what it says."""

    def __init__(self, store: Store, reports: Path, progress: Progress, language: str) -> None:
        self._store = store
        self._reports = reports
        self._progress = progress
        self._language = language
        self._next_at = 0.0

    def look(self, record: RunRecord, made: int, left_s: float, watchdog: Watchdog) -> None:
        """Make the report again after ``made`` rounds, if it is time, and show it.

        ``left_s``: about how long the rounds take that are left.
        """
        self._progress.ends_in(left_s)
        if time.monotonic() >= self._next_at and (found := self._analysis(record, watchdog)):
            # here, because pandas takes a moment that other commands need not wait for
            from bench.report.language import spoken
            from bench.report.live import live_document
            from bench.report.text import to_lines, to_terminal

            page = self._reports / record.run / "index.html"
            document = spoken(live_document(found, made, str(page)), self._language)
            self._progress.show(to_terminal(document), to_lines(document))

    def rounds_wanted(
        self, record: RunRecord, most_more: int | None, watchdog: Watchdog
    ) -> int | None:
        """Return to how many rounds the plan wants the run extended, and say why; or ``None``.

        There is time for ``most_more`` further rounds.
        """
        from bench.analysis.comparisons import rounds_to_buy, shortfall

        found = self._analysis(record, watchdog)
        if found is None or (rounds := rounds_to_buy(found)) is None:
            return None
        if most_more is not None:
            rounds = min(rounds, record.plan.rounds + most_more)
        self._progress.say(f"{shortfall(found)}: extending to {rounds} rounds")
        return rounds

    def _analysis(self, record: RunRecord, watchdog: Watchdog) -> "RunAnalysis | None":
        """Have the report made and return what it rests on; ``None``, and why, if it cannot be."""
        from bench.analysis.summary_file import NAME, SummaryError, read_summary

        began = time.monotonic()
        try:
            self._make(record.run, watchdog)
            return read_summary(self._reports / record.run / NAME)
        except (ProcessFailed, SummaryError) as error:
            self._progress.say(f"no provisional report: {error}")
            return None
        finally:
            self._progress.settle()
            took_s = time.monotonic() - began
            self._next_at = time.monotonic() + LEAST_APART * took_s

    def _make(self, run: str, watchdog: Watchdog) -> None:
        self._progress.move("making a provisional report", 0.0)
        argv = [sys.executable, "-m", "bench", "report", run, "--format", "html"]
        argv += ["--format", "json"]
        argv += ["--results", str(self._store.root), "--reports", str(self._reports)]
        argv += ["--lang", self._language]
        folder = watchdog.new_folder()
        with SupervisedProcess.start(
            "the provisional report", argv, log=folder / "report.log", watchdog=watchdog
        ) as process:
            os.setpriority(os.PRIO_PGRP, process.pid, LOW_PRIORITY)
            code = process.wait(TIMEOUT_S)
            if code != 0:
                what = "took too long" if code is None else describe_exit(code)
                raise process.failure(what)
