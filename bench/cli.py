"""``python -m bench``: arguments, exit codes, and one clear line for each failure."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.cluster.api import ApiError, ApiUnreachableError
from bench.cluster.binaries import BinariesUnavailable, resolve
from bench.fleet import ServerError, server_kinds
from bench.load.routes import names as route_names
from bench.model import RunState
from bench.plan import (
    PlanError,
    Vocabulary,
    plan_names,
    plan_source,
    predicted_s,
    read_plan,
    trials,
)
from bench.progress import Progress
from bench.run import Run, RunEndedEarlyError
from bench.store import Store, StoreError
from bench.supervision.process import ProcessFailed
from bench.supervision.signals import Interrupted, unwinding_on_signals
from bench.up import UpOptions, up

OK = 0
FAILED = 1
USAGE = 2

EPILOG = """\
exit codes:
  0    done
  1    the run ended early, or its servers did not answer alike; results and report are kept
  2    wrong usage: arguments, plan, run
  130  interrupted; a run keeps what it had measured

examples:
  python -m bench run smoke            does everything work here? about a minute
  python -m bench run default          the comparison, with intervals
  python -m bench run my.toml          a plan of your own (start from bench/plans/default.toml)
  python -m bench report latest        make the report again, from files alone
  python -m bench up --pods 5000       a cluster and both servers to play with
"""

EXPECTED = (
    ApiError,
    ApiUnreachableError,
    BinariesUnavailable,
    ProcessFailed,
    RunEndedEarlyError,
    ServerError,
    StoreError,
    OSError,
)
"""Failures of the world around: told in words. Anything else is a fault of ours: a traceback."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say and return the exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace, Progress], int] = options.command
    progress = Progress()
    try:
        with unwinding_on_signals(progress.say), progress:
            return command(options, progress)
    except Interrupted as error:
        progress.say(f"{error}; everything that was started has been stopped")
        return error.exit_code
    except PlanError as error:
        progress.say(f"error: {error}")
        return USAGE
    except EXPECTED as error:
        progress.say(f"error: {error}")
        return FAILED


def _run(options: argparse.Namespace, progress: Progress) -> int:
    plan = read_plan(options.plan, _vocabulary())
    store = Store(options.results)
    run = Run.start(plan, plan_source(options.plan), store=store, progress=progress)
    try:
        record = run.walk()
    finally:
        if run.has_trials:
            _render(store, run.record.run, options.reports, progress)
    if run.unequal:
        progress.say("error: the servers did not answer alike: no figure of this run can be used")
        return FAILED
    return OK if record.state is RunState.COMPLETE else FAILED


def _report(options: argparse.Namespace, progress: Progress) -> int:
    _render(Store(options.results), options.run, options.reports, progress)
    return OK


def _render(store: Store, run: str, reports: Path, progress: Progress) -> None:
    # here, because matplotlib takes a second that other commands need not wait for
    from bench.analysis.run import analyse
    from bench.report import render, terminal_summary, write_index

    progress.move("making the report", 0.0)
    reader = store.open(run)
    page = render(reader, reports / reader.record.run)
    write_index(store, reports)
    progress.settle()
    progress.console.print(terminal_summary(analyse(reader)))
    progress.say(f"report: {page}")


def _up(options: argparse.Namespace, progress: Progress) -> int:
    up(
        UpOptions(
            pods=options.pods,
            churn_per_s=options.churn,
            seed=options.seed,
            kubeconfig_out=options.kubeconfig_out,
            as_json=options.json,
        ),
        progress,
    )
    return OK


def _plans(options: argparse.Namespace, progress: Progress) -> int:
    del options, progress
    for name in plan_names():
        plan = read_plan(name, _vocabulary())
        minutes = max(1, round(predicted_s(plan) / 60))
        print(f"{name:10} about {minutes:3} min, {len(trials(plan)):3} trials  {plan.description}")
    return OK


def _binaries(options: argparse.Namespace, progress: Progress) -> int:
    del options
    found = resolve(say=progress.say)
    print(f"kube-apiserver {found.kubernetes:10} {found.kube_apiserver}")
    print(f"etcd           {found.etcd_version:10} {found.etcd}")
    print(f"from: {found.source}")
    return OK


def _vocabulary() -> Vocabulary:
    return Vocabulary(servers=tuple(server_kinds()), routes=tuple(route_names()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure what an informer saves the Kubernetes API server, and what it costs.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    run = verbs.add_parser("run", help="run a plan and make its report")
    run.add_argument("plan", nargs="?", default="default", help="a plan's name or a .toml file")
    _add_folders(run)
    run.set_defaults(command=_run)

    report = verbs.add_parser("report", help="make a run's report again, with no cluster")
    report.add_argument("run", nargs="?", default="latest", help="name, folder, or latest")
    _add_folders(report)
    report.set_defaults(command=_report)

    stand = verbs.add_parser("up", help="a populated cluster and both servers, until Ctrl-C")
    stand.add_argument("--pods", type=_count, default=1000, help="pods to write (%(default)s)")
    stand.add_argument(
        "--churn", type=_rate, default=20.0, metavar="R", help="writes a second (%(default)g)"
    )
    stand.add_argument("--seed", type=int, default=1, help="of the population (%(default)s)")
    stand.add_argument(
        "--kubeconfig-out", type=Path, metavar="FILE", help="copy the kubeconfig here meanwhile"
    )
    stand.add_argument(
        "--json", action="store_true", help="print the addresses as one line of JSON when ready"
    )
    stand.set_defaults(command=_up)

    plans = verbs.add_parser("plans", help="the plans there are, and how long each takes")
    plans.set_defaults(command=_plans)

    binaries = verbs.add_parser("binaries", help="find, fetch or build kube-apiserver and etcd")
    binaries.set_defaults(command=_binaries)
    return parser


def _add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="folder of runs (%(default)s/)"
    )
    parser.add_argument(
        "--reports", type=Path, default=Path("reports"), help="folder of reports (%(default)s/)"
    )


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 50_000:
        raise argparse.ArgumentTypeError(f"{number} is not from 1 to 50000")
    return number


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 <= rate <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1000")
    return rate


if __name__ == "__main__":
    sys.exit(main())
