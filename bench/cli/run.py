"""``bench run``: a plan from its first trial to its report."""

import argparse

from bench.cli.arguments import Verbs, add_folders
from bench.cli.exits import FAILED, OK
from bench.cli.plans import vocabulary
from bench.cli.rendering import render_report
from bench.model import RunState
from bench.plan import plan_source, read_plan
from bench.progress import Progress
from bench.run import Run
from bench.store import Store


def register(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser("run", help="run a plan and make its report")
    parser.add_argument("plan", nargs="?", default="default", help="a plan's name or a .toml file")
    add_folders(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace, progress: Progress) -> int:
    plan = read_plan(options.plan, vocabulary())
    store = Store(options.results)
    run = Run.start(plan, plan_source(options.plan), store=store, progress=progress)
    try:
        record = run.walk()
    finally:
        if run.has_trials:
            render_report(store, run.record.run, options.reports, progress)
    if run.unequal:
        progress.say("error: the servers did not answer alike: no figure of this run can be used")
        return FAILED
    return OK if record.state is RunState.COMPLETE else FAILED
