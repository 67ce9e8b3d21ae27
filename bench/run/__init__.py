"""A run: from its plan to its last trial.

Duty: begin a run or go on with one (``beginning``), keep a cluster that fits the trial at
hand (``stage``), and walk through the trials, writing each at once (``walk``). What one trial
does is ``bench.trial``'s matter, and nothing is computed from figures here.
"""

from bench.run.beginning import resume_run, start_run
from bench.run.walk import Run, RunEndedEarlyError

__all__ = ["Run", "RunEndedEarlyError", "resume_run", "start_run"]
