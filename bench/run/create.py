"""Create a run, or resume one."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.load.spec import DistributedLoad
from bench.model import (
    SCHEMA,
    Caveat,
    CaveatKind,
    LoadWorkers,
    Plan,
    Resumption,
    RunRecord,
    RunState,
)
from bench.plan import trials
from bench.run.loop import PriorState, Run, capacities
from bench.run.resume import (
    ResumeError,
    extended,
    missing_trials,
    require_same_load,
    resumed,
    unlike,
)
from bench.sites.base import base_kinds, look_at
from bench.sites.provider import Site
from bench.sites.versions import Sites
from bench.store import Store
from bench.supervision.progress import Progress
from bench.sut.equivalence import METADATA
from bench.sut.peers import built_peers
from bench.sut.registry import ServerKind, commanded_kinds, server_kinds


def start_run(
    plan: Plan,
    plan_toml: str,
    *,
    store: Store,
    progress: Progress,
    site: Site | None = None,
    distributed: DistributedLoad | None = None,
) -> Run:
    """Create a run at ``site``, or with binaries found on this machine, and its results folder.

    With ``distributed`` several processes make the load. Raises ``BinariesUnavailable``,
    ``ServerError`` if a server cannot be built, ``StoreError`` if the folder cannot be created.
    """
    sites = Sites(plan, site, progress.say)
    todo = trials(plan)
    kinds = kinds_of(plan, progress.say)
    started = dt.datetime.now(dt.UTC)
    record = RunRecord(
        schema=SCHEMA,
        run=f"{started:%Y%m%dT%H%M%SZ}-{plan.name}",
        state=RunState.RUNNING,
        started_at=started.isoformat(timespec="seconds"),
        plan=plan,
        environment=sites.environment(),
        trials_planned=len(todo),
        contracts={
            name: kinds[name].contract
            for name in plan.servers
            if name in kinds and plan.client_of(name) is None
        },
        caveats=(*sites.caveats, *_unlike_answers(plan, kinds)),
        load_workers=distributed.workers if distributed else LoadWorkers(),
    )
    writer = store.create(record, plan_toml)
    return Run(
        record,
        todo,
        kinds,
        sites=sites,
        writer=writer,
        progress=progress,
        distributed=distributed,
        most_minutes=plan.most_minutes,
    )


def resume_run(
    run: str | Path,
    *,
    store: Store,
    progress: Progress,
    rounds: int | None = None,
    force: bool = False,
    site: Site | None = None,
    distributed: DistributedLoad | None = None,
) -> Run:
    """Resume a run: its missing and failed trials, by its own plan and seed.

    ``distributed`` must have as many workers as before. ``rounds`` extends the plan to that
    many rounds, without a limit of time; else the plan's minutes count anew. Failed trials are
    set aside, whole. Raises ``ResumeError`` when the run is complete, when ``rounds`` is fewer
    than the plan has, when the number of workers differs, or when the environment or the base
    has changed and ``force`` is not set; ``BinariesUnavailable`` and ``StoreError`` as
    ``start_run`` does.
    """
    writer = store.reopen(run)  # first: no other process may write what is read now
    reader = store.open(writer.folder)
    done = reader.trials()
    if site is None and reader.record.environment.existing:
        raise ResumeError(
            f"{reader.record.run} was made on an existing cluster: name it again with "
            f"python -m bench run --resume {reader.record.run} --context NAME [--rounds N]"
        )
    plan = extended(reader.record, rounds)
    todo = missing_trials(plan, done)
    if not todo and reader.record.state is RunState.COMPLETE:
        raise ResumeError(
            f"{reader.record.run} is complete: {len(done)} trials in {plan.rounds} round(s); "
            "extend it with --rounds N"
        )
    require_same_load(reader.record, distributed.workers if distributed else LoadWorkers())
    sites = Sites(plan, site, progress.say)
    now = sites.environment()
    differing = unlike(reader.record.environment, now)
    if plan.base is not None:
        differing += unlike(plan.base, look_at(plan.base))
    if differing and not force:
        raise ResumeError(
            f"{reader.record.run} was created in another environment; trials made here cannot "
            f"stand beside its own ({'; '.join(differing)}). If that is meant: --force"
        )
    kinds = kinds_of(plan, progress.say)  # before anything is changed
    failed = [record for record in done if record.trial in todo]
    for record in failed:
        writer.set_aside(record)
    resumption = Resumption(
        at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        rounds=plan.rounds,
        trials=len(todo),
        failed=tuple(record.trial.folder for record in failed),
        unlike=differing,
        load_average_1m=now.load_average_1m,
    )
    resumed_run = resumed(reader.record, plan, resumption)
    prior = PriorState(
        attempts={trial: writer.attempts(trial) for trial in todo},
        compared=reader.equality,
        differed=any(record.is_wrong for record in done),
        has_trials=len(done) > len(failed),
        last_round=max((record.trial.round for record in done if record not in failed), default=0),
        capacities=capacities(plan, done),
    )
    writer.update(resumed_run)
    return Run(
        resumed_run,
        todo,
        kinds,
        sites=sites,
        writer=writer,
        progress=progress,
        distributed=distributed,
        prior=prior,
        most_minutes=None if rounds is not None else plan.most_minutes,
    )


def kinds_of(plan: Plan, say: Callable[[str], None]) -> dict[str, ServerKind]:
    """Return every server that the plan may name, by its name.

    Raises ``ServerError`` as ``built_peers`` does, and ``BaseError`` if its base has gone.
    """
    named = {**commanded_kinds(plan), **base_kinds(plan, say)}
    return {**server_kinds(), **built_peers(plan.servers, say), **named}


def _unlike_answers(plan: Plan, kinds: Mapping[str, ServerKind]) -> Iterator[Caveat]:
    """Yield a caveat for each server whose contract differs from the others'."""
    for name in plan.servers:
        if name in kinds and kinds[name].contract == METADATA:
            text = (
                f"{name} answers with the pods' metadata alone: it reads, sends and keeps less "
                "than the others do, and its answers are compared with a LIST's metadata only"
            )
            yield Caveat(CaveatKind.OTHER_CONTRACT, text, server=name)
