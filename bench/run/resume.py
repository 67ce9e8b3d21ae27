"""Check whether a run can be resumed: its missing trials, and changes of its environment.

Pure functions; ``bench.run.loop`` runs the trials.
"""

from collections.abc import Sequence
from dataclasses import fields, replace

from bench.model import (
    SCHEMA,
    Base,
    Caveat,
    CaveatKind,
    Environment,
    LoadWorkers,
    Outcome,
    Plan,
    Resumption,
    RunRecord,
    RunState,
    Trial,
    TrialRecord,
)
from bench.plan import trials

MEMORY_ALIKE = 0.05
"""Share by which memory may differ: a kernel's own reserve changes from boot to boot."""
OF_THE_MOMENT = frozenset({"load_average_1m", "memory_bytes", "governor"})
"""Fields that differ between two starts of one machine, or that have their own comparison."""


class ResumeError(Exception):
    """Raised when a run cannot be resumed; the message gives the reason and the remedy."""


def missing_trials(plan: Plan, done: Sequence[TrialRecord]) -> tuple[Trial, ...]:
    """Return the trials of ``plan`` that are missing or failed, in the order of the plan.

    Raises ``ResumeError`` when ``done`` holds a trial that the plan does not have.
    """
    planned = trials(plan)
    strange = [record.trial.folder for record in done if record.trial not in planned]
    if strange:
        raise ResumeError(
            f"the trial {strange[0]} is not one that its plan and seed give: the run was made by "
            "another version, or changed by hand; start a new one"
        )
    good = {record.trial for record in done if record.outcome is Outcome.OK}
    return tuple(trial for trial in planned if trial not in good)


def unlike(then: Environment | Base, now: Environment | Base) -> tuple[str, ...]:
    """Return the fields of the environment or the base that changed, each with both values."""
    changes = list[str]()
    of = "base's " if isinstance(then, Base) else ""
    for spec in fields(then):
        was, is_now = getattr(then, spec.name), getattr(now, spec.name)
        if spec.name in OF_THE_MOMENT or was == is_now:
            continue
        if isinstance(was, dict):
            changes += (of + text for text in _differing(was, is_now))
        else:
            changes.append(f"{of}{spec.name}: {_shown(was)} then, {_shown(is_now)} now")
    if isinstance(then, Base) or isinstance(now, Base):
        return tuple(changes)
    if abs(then.memory_bytes - now.memory_bytes) > MEMORY_ALIKE * then.memory_bytes:
        changes.append(f"memory_bytes: {then.memory_bytes:,} then, {now.memory_bytes:,} now")
    return tuple(changes)


def extended(record: RunRecord, rounds: int | None) -> Plan:
    """Return the run's plan with ``rounds`` rounds; raise ``ResumeError`` if it has more."""
    plan = record.plan
    if rounds is None:
        return plan
    if rounds < plan.rounds:
        raise ResumeError(
            f"{record.run} has {plan.rounds} rounds already: they cannot become {rounds}"
        )
    return replace(plan, rounds=rounds)


def require_same_load(record: RunRecord, workers: LoadWorkers) -> None:
    """Raise ``ResumeError`` unless ``workers`` equal those that made the run's load so far.

    ``--force`` does not lift it: rounds would differ in their load generator, and without the
    option they do not.
    """
    if workers != record.load_workers:
        raise ResumeError(
            f"the load of {record.run} was made by {record.load_workers}; it cannot be resumed "
            f"with {workers}. Leave out --load-workers and --expect-load-workers, or start a new "
            "run"
        )


def resumed(record: RunRecord, plan: Plan, resumption: Resumption) -> RunRecord:
    """Return the record of a resumed run, with a caveat if the resumption was forced."""
    caveats = record.caveats
    if resumption.unlike:
        text = f"trials were made in unlike environments: {'; '.join(resumption.unlike)}"
        caveats = (*caveats, Caveat(CaveatKind.UNLIKE_ENVIRONMENT, text))
    return replace(
        record,
        schema=SCHEMA,
        plan=plan,
        state=RunState.RUNNING,
        ended_at=None,
        reason=None,
        out_of_time=record.out_of_time and not resumption.trials,
        trials_planned=len(trials(plan)),
        resumptions=(*record.resumptions, resumption),
        caveats=caveats,
    )


def _differing(was: dict[str, str], is_now: dict[str, str]) -> list[str]:
    # a record of an earlier schema names fewer packages: only those can differ
    return [
        f"{name}: {was[name]} then, {is_now.get(name, 'absent')} now"
        for name in sorted(was)
        if was[name] != is_now.get(name)
    ]


def _shown(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, tuple) else str(value)
