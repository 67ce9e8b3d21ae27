"""Run all calibration plans and return their findings."""

from collections.abc import Iterator, Sequence
from importlib import resources

from bench.analysis import read_run
from bench.model import CaveatKind
from bench.plan import Vocabulary, parse_plan, predicted_s
from bench.run.create import start_run
from bench.run.loop import Run, RunEndedEarlyError
from bench.selftest.checks import CHECKS, MissingError
from bench.selftest.findings import Calibration, Finding
from bench.store import RunReader, Store
from bench.supervision.progress import Progress

SCHEMA = 1


def calibration_plan(name: str) -> str:
    """Return the TOML text of the plan of the calibration run ``name``."""
    file = resources.files("bench.selftest") / "plans" / f"{name}.toml"
    return file.read_text(encoding="utf-8")


def predicted_minutes(names: Sequence[str], vocabulary: Vocabulary) -> int:
    """Return the approximate minutes that the runs take."""
    plans = [parse_plan(calibration_plan(name), f"{name}.toml", vocabulary) for name in names]
    return max(1, round(sum(map(predicted_s, plans)) / 60))


def calibrate(
    names: Sequence[str], vocabulary: Vocabulary, *, store: Store, progress: Progress
) -> Calibration:
    """Make the calibration runs and return their findings.

    Runs are kept in ``store``. A run that ends early has failed, and the next one
    follows. Raises ``BinariesUnavailable``, and ``StoreError`` when results cannot be
    written.
    """
    runs: list[Run] = []
    findings: list[Finding] = []
    for name in names:
        text = calibration_plan(name)
        plan = parse_plan(text, f"{name}.toml", vocabulary)
        run = start_run(plan, text, store=store, progress=progress)
        runs.append(run)
        for finding in _judged(name, run, store):
            findings.append(finding)
            progress.say(f"{finding.verdict}: {finding.check}: {finding.found}")
    first = runs[0].record
    return Calibration(
        schema=SCHEMA,
        started_at=first.started_at,
        kubernetes=first.environment.kubernetes,
        processors=first.environment.processors,
        runs=tuple(run.record.run for run in runs),
        findings=tuple(findings),
        busy_trials=sum(_busy(store.open(run.record.run)) for run in runs),
    )


def _judged(name: str, run: Run, store: Store) -> Iterator[Finding]:
    try:
        run.execute()
    except RunEndedEarlyError as error:
        yield Finding(f"{name}: a run to judge", "a whole run", error.why, "none", passed=False)
        return
    if run.unequal:
        yield Finding(f"{name}: the servers' answers", "alike", "different", "none", passed=False)
    try:
        yield from CHECKS[name](read_run(store.open(run.record.run)))
    except MissingError as error:
        yield Finding(f"{name}: a run to judge", "good trials", str(error), "none", passed=False)


def _busy(reader: RunReader) -> int:
    """Return the number of the run's trials that began on an otherwise busy machine."""
    return sum(
        any(caveat.kind is CaveatKind.NOISY_MACHINE for caveat in record.caveats)
        for record in reader.trials()
    )
