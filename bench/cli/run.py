"""``bench run``: run a plan and make its report."""

import argparse
import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.cli.arguments import (
    add_folders,
    add_kubernetes,
    add_language,
    external_server,
    round_count,
)
from bench.cli.existing import add_existing, site_of
from bench.cli.exits import FAILED, OK
from bench.cli.load_options import LoadOptions, add_load_options, check_workers
from bench.cli.plans import vocabulary
from bench.cli.report import render_report
from bench.model import Plan, RunRecord
from bench.plan import PlanError, on_kubernetes, plan_source, read_plan
from bench.run.create import resume_run, start_run
from bench.run.interim import InterimReports
from bench.run.loop import Run, RunEndedEarlyError
from bench.sites.base import with_base
from bench.sites.provenance import package_versions
from bench.store import RunReader, Store
from bench.supervision.progress import Progress
from bench.supervision.signals import deferring_signals


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("plan", nargs="?", help="a plan's name or a .toml file; left out: default")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="latest",
        metavar="RUN",
        help="resume RUN (default: the latest): run its missing and failed trials",
    )
    parser.add_argument(
        "--rounds",
        type=round_count,
        metavar="N",
        help="with --resume: extend the run to N rounds",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="with --resume: resume even in another environment; the report says so",
    )
    parser.add_argument(
        "--server",
        type=external_server,
        action="append",
        default=[],
        dest="external",
        metavar="NAME=CMD",
        help="also measure your own server (repeatable): CMD is a line for /bin/sh whose "
        "environment has PORT, KUBECONFIG, CONTEXT, NAMESPACE and PODS_NAMESPACE; it "
        "serves /pods on 127.0.0.1:$PORT; the same as an [[external]] table in the plan",
    )
    parser.add_argument(
        "--against",
        metavar="DIR",
        help="also measure the servers of another checkout, as NAME@base, next to these in "
        "every round: of this project with its own .venv, or of yours, where --server's CMD "
        "starts in DIR",
    )
    parser.add_argument(
        "--against-python",
        default="",
        metavar="FILE",
        help="with --against: interpreter of the servers there (left out: DIR/.venv/bin/python)",
    )
    add_load_options(parser)
    add_kubernetes(parser, "the clusters, for scenarios that name none")
    add_folders(parser)
    add_language(parser)
    add_existing(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace, progress: Progress) -> int:
    package_versions()
    store = Store(options.results)
    load = LoadOptions.of(options)
    if options.resume is None:
        plan, source = _plan(options)
        distributed = load.distributed()
        check_workers(plan, distributed)
        start = partial(start_run, plan, source)
    else:
        reader = _run_to_resume(options, store)
        store = Store(options.results)
        plan, distributed = reader.record.plan, load.distributed(reader.record)
        if options.rounds is not None:
            plan = replace(plan, rounds=options.rounds, most_minutes=None)
        start = partial(resume_run, reader.folder, rounds=options.rounds, force=options.force)
    site = site_of(options, plan, progress)
    run = start(store=store, progress=progress, site=site, distributed=distributed)
    code = execute(options, run, store, progress)
    if site is not None and site.left_behind:
        progress.say("error: not everything created on the cluster could be removed")
        return FAILED
    return code


def execute(options: argparse.Namespace, run: Run, store: Store, progress: Progress) -> int:
    """Run every trial of ``run`` and make its report; return the exit code."""
    try:
        record = run.execute(InterimReports(store, options.reports, progress, options.lang))
    except (KeyboardInterrupt, RunEndedEarlyError) as ended:
        ended.add_note(f"resume it with: {_resume_command(options, run.record)}")
        raise
    finally:
        if run.has_trials:
            with deferring_signals():  # so that the report has all finished trials
                name, reports = run.record.run, options.reports
                render_report(store, name, reports, progress, language=options.lang)
    if run.unequal:
        progress.say("error: some answers were wrong: no figure of this run can be used")
        return FAILED
    if run.failed:
        progress.say(
            f"error: {run.failed} trial(s) failed, for the reasons above; to repeat them: "
            f"{_resume_command(options, record)}"
        )
        return FAILED
    return OK


def _resume_command(options: argparse.Namespace, record: RunRecord) -> str:
    """Return the command that resumes the run from the current folder."""
    words = ["python -m bench run --resume", record.run]
    for name in ("results", "reports"):
        folder = getattr(options, name)
        words += [f"--{name} {shlex.quote(str(folder))}"] if folder != Path(name) else []
    if options.context is not None:
        words.append(f"--context {shlex.quote(options.context)}")
    return " ".join(words)


def _run_to_resume(options: argparse.Namespace, store: Store) -> RunReader:
    """Return the run to resume; a second look for the latest might find another one."""
    if options.plan is not None:
        raise PlanError(
            f"--resume continues a run by that run's own plan; it takes no {options.plan!r}"
        )
    given = {
        "--server": options.external,
        "--against": options.against or options.against_python,
        "--kubernetes": options.kubernetes,
    }
    if refused := [name for name, value in given.items() if value]:
        raise PlanError(
            "--resume continues a run by that run's own plan, base and version; it takes "
            f"no {refused[0]}"
        )
    reader = store.open(options.resume)
    if reader.folder.name != (run := reader.record.run):
        raise PlanError(f"{reader.folder} holds the run {run}: rename it to {run} to resume it")
    options.results = reader.folder.parent  # a path may lead elsewhere
    return reader


def _plan(options: argparse.Namespace) -> tuple[Plan, str]:
    """Return the named plan and its text."""
    if options.rounds is not None or options.force:
        raise PlanError("--rounds and --force belong to --resume; a plan has its own rounds")
    name = options.plan or "default"
    names = vocabulary()
    if taken := {server.name for server in options.external} & {*names.servers}:
        raise PlanError(
            f"--server: {taken.pop()!r} is a server of this project: choose another name"
        )
    plan = read_plan(name, names, options.external)
    if options.kubernetes:
        plan = on_kubernetes(plan, options.kubernetes)
    if options.against is not None:
        plan = with_base(plan, options.against, options.against_python)
    elif options.against_python:
        raise PlanError("--against-python belongs to --against DIR")
    return plan, plan_source(name, options.external)
