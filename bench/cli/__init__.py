"""``python -m bench``: one module a verb, exit codes, and one clear line for each failure.

A verb's module has ``register(parser)``, which adds its arguments, and the function
that does it: ``(arguments, progress) -> exit code``. It is imported when its verb is
asked for: help, and a verb's wrong arguments, do not wait for what others need.
Nothing is measured, computed or drawn here.
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

from bench.cli.encoding import write_plainly
from bench.cli.exits import FAILED, USAGE, expected, is_usage
from bench.plan import PlanError
from bench.plan.toml_schema import nearest
from bench.run.resume import ResumeError
from bench.supervision.progress import Progress
from bench.supervision.signals import Interrupted, unwinding_on_signals

VERBS = {
    "run": "run a plan and make its report",
    "report": "render a run's report again, without a cluster",
    "meter": "bill any client of the Kubernetes API: what it costs, and against another",
    "gate": "check a run against rules: PASS, FAIL, INCONCLUSIVE or INVALID",
    "compare": "compare two runs, with confidence intervals",
    "advise": "tell from an audit log which clients an informer would relieve the API server of",
    "top": "show who asks an API server right now, sampled from its flow control",
    "ui": "open Locust's web page on both servers, with live API-server metrics",
    "up": "start a populated cluster and both servers, until Ctrl-C",
    "calibrate": "self-test: are known faults found at their size?",
    "plans": "list the plans and how long each takes",
    "docs": "print a reference page: metrics, keys of a plan, verbs",
    "binaries": "find, fetch or build kube-apiserver and etcd",
    "clean": "end and remove what killed runs left, here and on an existing cluster",
}
"""The modules, in the order of ``--help``, and what it says of each."""

EPILOG = """\
exit codes:
  0    done
  1    the run ended early, trials of it failed, or its servers did not answer alike or rightly;
       results and report are kept
  2    wrong usage: arguments, plan, run
  10   gate: FAIL; 11: INCONCLUSIVE; 12: INVALID (PASS is 0)
  130  interrupted; a run keeps what it had measured

examples:
  python -m bench run smoke            does everything work here? about a minute
  python -m bench run default          the comparison, with intervals
  python -m bench run my.toml          a plan of your own (start from bench/plans/default.toml)
  python -m bench run --resume         resume an interrupted run
  python -m bench run namespaced --context staging   on an existing cluster
  python -m bench report latest        render the report again, from files alone
  python -m bench meter 'kopf run --standalone -A operator.py'   what a client costs
  python -m bench compare A B          compare two runs, with intervals
  python -m bench gate latest --buy    check a run against rules, by exit code
  python -m bench advise audit.log     who asks the API server too often, and what would it save
  python -m bench top --context staging    who asks the API server right now
  python -m bench ui                   Locust's web page on both servers
  python -m bench up --pods 5000       a populated cluster and both servers
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say and return the exit code."""
    write_plainly()
    given = sys.argv[1:] if arguments is None else arguments
    parser = _parser(given)
    if not given:
        parser.print_help(sys.stderr)
        return USAGE
    if given[0] not in VERBS and not given[0].startswith("-"):
        there_are = f"there are {', '.join(VERBS)}"
        parser.error(f"there is no verb {given[0]!r}{nearest(given[0], VERBS)}; {there_are}")
    options = parser.parse_args(given)
    command: Callable[[argparse.Namespace, Progress], int] = options.command
    progress = Progress()
    try:
        with unwinding_on_signals(progress.say), progress:
            return command(options, progress)
    except Interrupted as error:
        _tell(progress, f"{error}; everything that was started has been stopped", error)
        return error.exit_code
    except (PlanError, ResumeError) as error:
        progress.say(f"error: {error}")
        return USAGE
    except expected() as error:
        _tell(progress, f"error: {error}", error)
        return USAGE if is_usage(error) else FAILED


def _tell(progress: Progress, text: str, error: BaseException) -> None:
    """Say ``text``, and last the way on that was noted on the error."""
    for line in (text, *getattr(error, "__notes__", ())):
        progress.say(line)


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of all verbs, with the arguments of those that are ``given``."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure what an informer saves the Kubernetes API server, and what it costs.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for name, summary in VERBS.items():
        verb = verbs.add_parser(name, help=summary)
        if name in given:
            importlib.import_module(f"{__name__}.{name}").register(verb)
    return parser
