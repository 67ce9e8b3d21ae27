"""Interim reports of a run, made between its rounds by a child process of low priority.

The run loop waits for the child, so that it runs beside no window.
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
"""Nice value: the reports yield to all other processes, and do not starve on a busy machine."""
LEAST_APART = 10
"""Time between two reports, as a multiple of the time that the last report took to make."""


class InterimReports:
    """Writes the report of an unfinished run into the folder ``reports``, and shows it."""

    def __init__(self, store: Store, reports: Path, progress: Progress, language: str) -> None:
        self._store = store
        self._reports = reports
        self._progress = progress
        self._language = language
        self._next_at = 0.0

    def show(self, record: RunRecord, done_rounds: int, left_s: float, watchdog: Watchdog) -> None:
        """Make and show the report again after ``done_rounds`` rounds, if it is due.

        ``left_s`` is the estimated time of the remaining rounds, in seconds.
        """
        self._progress.ends_in(left_s)
        if time.monotonic() >= self._next_at and (analysis := self._analysis(record, watchdog)):
            # here, because pandas takes a moment that other commands need not wait for
            from bench.report.language import spoken
            from bench.report.live import live_document
            from bench.report.text import to_lines, to_terminal

            page = self._reports / record.run / "index.html"
            document = spoken(live_document(analysis, done_rounds, str(page)), self._language)
            self._progress.show(to_terminal(document), to_lines(document))

    def rounds_to_extend_to(
        self, record: RunRecord, most_more: int | None, watchdog: Watchdog
    ) -> int | None:
        """Return the number of rounds to extend the run to, and print why; ``None``: no more.

        There is time for ``most_more`` further rounds; ``None``: any number.
        """
        from bench.analysis.comparisons import rounds_to_buy, shortfall

        analysis = self._analysis(record, watchdog)
        if analysis is None or (rounds := rounds_to_buy(analysis)) is None:
            return None
        if most_more is not None:
            rounds = min(rounds, record.plan.rounds + most_more)
        self._progress.say(f"{shortfall(analysis)}: extending to {rounds} rounds")
        return rounds

    def _analysis(self, record: RunRecord, watchdog: Watchdog) -> "RunAnalysis | None":
        """Make the report and return its analysis; ``None``, with a printed reason, on failure."""
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
                outcome = "took too long" if code is None else describe_exit(code)
                raise process.failure(outcome)
