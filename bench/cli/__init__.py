"""``python -m bench``: one module a verb, exit codes, and one clear line for each failure.

A verb's module has ``register(verbs)``, which adds its parser, and the function
that does it: ``(arguments, progress) -> exit code``. Nothing is measured,
computed or drawn here.
"""

import argparse
from collections.abc import Callable, Sequence

from bench.cli import binaries, calibrate, clean, compare, gate, plans, report, run, ui, up
from bench.cli.exits import EXPECTED, FAILED, USAGE
from bench.plan import PlanError
from bench.progress import Progress
from bench.resumption import ResumeError
from bench.supervision.signals import Interrupted, unwinding_on_signals

VERBS = (run, report, gate, compare, ui, up, calibrate, plans, binaries, clean)
"""In the order of ``--help``."""

EPILOG = """\
exit codes:
  0    done
  1    the run ended early, or its servers did not answer alike; results and report are kept
  2    wrong usage: arguments, plan, run
  10   gate: FAIL; 11: INCONCLUSIVE; 12: INVALID (PASS is 0)
  130  interrupted; a run keeps what it had measured

examples:
  python -m bench run smoke            does everything work here? about a minute
  python -m bench run default          the comparison, with intervals
  python -m bench run my.toml          a plan of your own (start from bench/plans/default.toml)
  python -m bench run --resume         go on with a run that was interrupted
  python -m bench run namespaced --context staging   on a cluster that is there already
  python -m bench report latest        make the report again, from files alone
  python -m bench compare A B          two runs side by side, with intervals
  python -m bench gate latest --buy    does what should hold hold? an exit code for each answer
  python -m bench ui                   Locust's web page on both servers, to play with
  python -m bench up --pods 5000       a cluster and both servers to play with
"""


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
    except (PlanError, ResumeError) as error:
        progress.say(f"error: {error}")
        return USAGE
    except EXPECTED as error:
        progress.say(f"error: {error}")
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure what an informer saves the Kubernetes API server, and what it costs.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for verb in VERBS:
        verb.register(verbs)
    return parser
