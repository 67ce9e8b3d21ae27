"""``bench plans``: list the plans; and the vocabulary of plans."""

import argparse

from bench.cli.exits import OK
from bench.faults import names as fault_names
from bench.load.routes import names as route_names
from bench.model import Plan
from bench.plan import Vocabulary, longest, plan_names, predicted_minutes, read_plan, trials
from bench.supervision.affinity import processors
from bench.supervision.progress import Progress
from bench.sut.peers import PEERS
from bench.sut.registry import server_kinds


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = "Every key of a plan: python -m bench docs plans.md"
    parser.set_defaults(command=_plans)


def vocabulary() -> Vocabulary:
    """Return the names of all servers, routes and faults; raises ``ServerError``."""
    return Vocabulary(
        servers=(*server_kinds(), *PEERS),
        routes=tuple(route_names()),
        faults=fault_names(),
        processors=processors(),
    )


def _plans(options: argparse.Namespace, progress: Progress) -> int:
    del options, progress
    names = vocabulary()
    for name in plan_names():
        plan = read_plan(name, names)
        print(f"{name:10} {_extent(plan):38}  {plan.description}")
    return OK


def _extent(plan: Plan) -> str:
    """Return the plan's minutes and trials, without and with the rounds that it may buy."""
    counts = dict.fromkeys(len(trials(extent)) for extent in (plan, longest(plan)))
    return f"about {predicted_minutes(plan):>8} min, {' to '.join(map(str, counts)):>9} trials"
