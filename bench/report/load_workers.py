"""Who made the load, where several processes did: shares, CPU, lag, clocks."""

from dataclasses import dataclass

from bench.analysis.run import RunAnalysis
from bench.model import LoadWorker
from bench.report.numbers import MISSING, number


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker in one trial; clocks in ms."""

    trial: str
    worker: str
    sent: str
    failed: str
    cpu: str
    lag: str
    clock: str
    uncertainty: str
    drift: str


def worker_rows(analysis: RunAnalysis) -> list[WorkerRow]:
    """Return every worker of every trial, empty where one process made the load."""
    return [
        _row(record.trial.folder, worker)
        for record in analysis.trials
        for worker in record.load_workers
    ]


def _row(trial: str, worker: LoadWorker) -> WorkerRow:
    lag = worker.schedule_lag_p99_ms
    return WorkerRow(
        trial=trial,
        worker=worker.name,
        sent=f"{worker.sent:,}",
        failed=f"{worker.failed + worker.dropped:,}",
        cpu=f"{worker.cpu_share:.0%}",
        lag=MISSING if lag is None else number(lag),
        clock=f"{worker.clock_offset_us / 1e3:+,.3f}",
        uncertainty=f"{worker.clock_uncertainty_us / 1e3:,.3f}",
        drift=f"{worker.clock_drift_us / 1e3:+,.3f}",
    )
