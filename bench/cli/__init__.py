"""``python -m bench``: one module per verb, exit codes, and one clear line for each failure.

A verb's module has ``register(parser)``, which adds its arguments, and the function
that runs it: ``(arguments, progress) -> exit code``. It is imported only for its verb:
help, and wrong arguments of a verb, do not wait for the imports of other verbs.
What does not belong here: measuring, computing and drawing.
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
    "meter": "measure the cost of any client of the Kubernetes API, alone or against another",
    "gate": "check a run against rules: PASS, FAIL, INCONCLUSIVE or INVALID",
    "compare": "compare two runs, with confidence intervals",
    "advise": "find in an audit log the clients to replace by an informer",
    "top": "show the current clients of an API server, sampled from its flow control",
    "ui": "open Locust's web page on both servers, with live API-server metrics",
    "up": "start a populated cluster and both servers, until Ctrl-C or SIGTERM",
    "calibrate": "self-test: check that known faults are measured at their size",
    "plans": "list the plans and their time",
    "docs": "print a reference page: metrics, keys of a plan, verbs",
    "binaries": "find, fetch or build kube-apiserver and etcd",
    "clean": "clean up after killed runs, here and on an existing cluster",
}
"""Module -> summary, in the order of ``--help``."""

EPILOG = """\
exit codes:
  0    done
  1    the run ended early, trials failed, or answers of the servers differed or were wrong;
       results and report are kept
  2    wrong usage: arguments, plan, run
  10   gate: FAIL; 11: INCONCLUSIVE; 12: INVALID (PASS is 0)
  130  Ctrl-C (SIGTERM: 143, SIGHUP: 129); a run keeps its finished trials

examples:
  python -m bench run smoke            check that everything works here; about a minute
  python -m bench run default          the comparison, with intervals
  python -m bench run my.toml          your own plan (start from bench/plans/default.toml)
  python -m bench run --resume         resume an interrupted run
  python -m bench run namespaced --context staging   on an existing cluster
  python -m bench report latest        render the report again, from files alone
  python -m bench meter 'kopf run --standalone -A operator.py'   the cost of a client
  python -m bench compare A B          compare two runs, with intervals
  python -m bench gate latest --buy    check a run against rules, by exit code
  python -m bench advise audit.log     clients that poll the API server, and the saving
  python -m bench top --context staging    the current clients of the API server
  python -m bench ui                   Locust's web page on both servers
  python -m bench up --pods 5000       a populated cluster and both servers
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the verb of the arguments and return the exit code."""
    write_plainly()
    argv = sys.argv[1:] if arguments is None else arguments
    parser = _parser(argv)
    if not argv:
        parser.print_help(sys.stderr)
        return USAGE
    if argv[0] not in VERBS and not argv[0].startswith("-"):
        verbs = f"there are {', '.join(VERBS)}"
        parser.error(f"there is no verb {argv[0]!r}{nearest(argv[0], VERBS)}; {verbs}")
    options = parser.parse_args(argv)
    command: Callable[[argparse.Namespace, Progress], int] = options.command
    progress = Progress()
    try:
        with unwinding_on_signals(progress.say), progress:
            return command(options, progress)
    except Interrupted as error:
        _report(progress, f"{error}; all processes have been stopped", error)
        return error.exit_code
    except (PlanError, ResumeError) as error:
        progress.say(f"error: {error}")
        return USAGE
    except expected() as error:
        _report(progress, f"error: {error}", error)
        return USAGE if is_usage(error) else FAILED


def _report(progress: Progress, text: str, error: BaseException) -> None:
    """Print ``text``, then the notes of the error."""
    for line in (text, *getattr(error, "__notes__", ())):
        progress.say(line)


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of all verbs, with the arguments of the verbs in ``given``."""
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
