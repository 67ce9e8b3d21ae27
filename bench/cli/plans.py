"""``bench plans``: which plans there are; and the names that a plan may use."""

import argparse

from bench.cli.arguments import Verbs
from bench.cli.exits import OK
from bench.fleet import server_kinds
from bench.load.routes import names as route_names
from bench.plan import Vocabulary, plan_names, predicted_s, read_plan, trials
from bench.progress import Progress


def register(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser("plans", help="the plans there are, and how long each takes")
    parser.set_defaults(command=_plans)


def vocabulary() -> Vocabulary:
    """Return the names of all servers and routes; raises ``ServerError``."""
    return Vocabulary(servers=tuple(server_kinds()), routes=tuple(route_names()))


def _plans(options: argparse.Namespace, progress: Progress) -> int:
    del options, progress
    names = vocabulary()
    for name in plan_names():
        plan = read_plan(name, names)
        minutes = max(1, round(predicted_s(plan) / 60))
        print(f"{name:10} about {minutes:3} min, {len(trials(plan)):3} trials  {plan.description}")
    return OK
