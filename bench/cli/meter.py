"""``bench meter``: measure the cost of any client of the Kubernetes API."""

import argparse
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from bench.cli.arguments import (
    add_folders,
    add_kubernetes,
    add_language,
    churn_rate,
    client_command,
    number,
    pod_count,
    round_count,
    whole_number,
    without_values,
)
from bench.cli.exits import OK
from bench.cli.plans import vocabulary
from bench.cli.run import execute
from bench.faults import names as fault_names
from bench.model import Client, Objects
from bench.model.plan import OBJECT_PATHS
from bench.plan import PlanError, parse_plan
from bench.plan.client_plan import Metering, client_plan, name_of
from bench.plan.keys import MAX_REPLICAS
from bench.plan.kinds import custom_kind
from bench.run.create import start_run
from bench.sites.provenance import package_versions
from bench.store import Store
from bench.supervision.progress import Progress

DEFAULTS, A_CLIENT = Metering(), Client("", "")
GRANTING = ("ClusterRole", "Role")
KEYS_OF_RULE = frozenset({"apiGroups", "nonResourceURLs", "resourceNames", "resources", "verbs"})
EPILOG = """\
A client is a line for /bin/sh. Its environment has KUBECONFIG (one context, with its own account),
CONTEXT and NAMESPACE. It must stay in the foreground, and run until it is stopped.

examples:
  python -m bench meter 'kopf run --standalone -A operator.py'
  python -m bench meter 'kubectl get pods -A --watch' \\
    --against 'poll=while true; do kubectl get pods -A >/dev/null; sleep 5; done'
  python -m bench meter ./my-controller --role deploy/rbac.yaml --fault restart --churn 20
  python -m bench meter ./my-controller --print-plan > mine.toml     # then: bench run mine.toml
"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.description = (
        "Start a client on a throwaway control plane, round by round, and measure its cost: its "
        "requests by kind until it is quiet and in a window under churn, the control plane's CPU "
        "and bytes above the floor, its own CPU and memory, and its requests after a fault."
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "client", type=client_command, metavar="[NAME=]CMD", help="the client to measure"
    )
    parser.add_argument(
        "--against",
        type=client_command,
        action="append",
        default=[],
        metavar="[NAME=]CMD",
        help="a client to compare with (repeatable)",
    )
    parser.add_argument(
        "--role",
        type=Path,
        metavar="FILE",
        help="YAML with the ClusterRoles and Roles of the clients, bound cluster-wide; left out: "
        "they may read the cluster's pods and objects",
    )
    _add_cluster(parser)
    _add_readiness(parser)
    parser.add_argument(
        "--print-plan", action="store_true", help="print the plan instead of running it"
    )
    add_kubernetes(parser, "the control plane")
    add_folders(parser)
    add_language(parser)
    parser.set_defaults(command=_meter, context=None)


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pods", type=pod_count, default=DEFAULTS.pods, help="pods in the cluster (%(default)s)"
    )
    parser.add_argument(
        "--objects",
        type=_objects,
        action="append",
        default=[],
        metavar="KIND=COUNT[:BYTES]",
        help=f"other objects, changed and readable like the pods: {', '.join(OBJECT_PATHS)}, "
        "or a file with a CustomResourceDefinition, and an object of that kind (repeatable)",
    )
    parser.add_argument(
        "--churn",
        type=churn_rate,
        action="append",
        metavar="R",
        help="writes per second in the window; repeatable, a scenario each; 0: at rest (10)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        choices=fault_names(),
        default=[],
        metavar="NAME",
        help="one more scenario in which the API server fails (repeatable): "
        f"{', '.join(fault_names())}",
    )
    parser.add_argument(
        "--instances",
        type=whole_number(1, MAX_REPLICAS),
        default=DEFAULTS.instances,
        metavar="N",
        help="processes of each client, started at once (%(default)s)",
    )
    parser.add_argument(
        "--rounds",
        type=round_count,
        default=DEFAULTS.rounds,
        metavar="N",
        help="measurements of each client, interleaved (%(default)s)",
    )
    parser.add_argument(
        "--duration",
        type=number(1, 3600),
        default=DEFAULTS.duration_s,
        metavar="S",
        help="length of the window; at least 20 with a fault (%(default)g)",
    )
    parser.add_argument(
        "--control",
        action="store_true",
        help="measure the client twice in each round; a difference between the two is noise",
    )


def _add_readiness(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "readiness", "By default a client is ready when it has sent requests and is quiet."
    )
    group.add_argument(
        "--quiet",
        type=number(0.5, 60),
        default=A_CLIENT.quiet_s,
        metavar="S",
        help="time without a request, except renewals of leases (%(default)g)",
    )
    group.add_argument("--ready-url", metavar="URL", help="ready when this URL answers 200")
    group.add_argument("--ready-line", metavar="TEXT", help="ready when it writes a line with TEXT")
    group.add_argument(
        "--ready-within",
        type=number(1, 3600),
        default=A_CLIENT.ready_timeout_s,
        metavar="S",
        help="longest wait; a client that is never quiet is measured too (%(default)g)",
    )


def _meter(options: argparse.Namespace, progress: Progress) -> int:
    names = vocabulary()
    source = client_plan(
        _clients(options, names.servers),
        Metering(
            pods=options.pods,
            churns_per_s=tuple(dict.fromkeys(options.churn or DEFAULTS.churns_per_s)),
            faults=tuple(dict.fromkeys(options.fault)),
            rounds=options.rounds,
            duration_s=options.duration,
            instances=options.instances,
            control=options.control,
            objects=options.objects,
            kubernetes=options.kubernetes,
        ),
    )
    plan = parse_plan(source, "the plan of these arguments", names)
    if options.print_plan:
        print(source, end="")
        return OK
    package_versions()
    store = Store(options.results)
    return execute(
        options, start_run(plan, source, store=store, progress=progress), store, progress
    )


def _objects(text: str) -> Objects:
    kind, _, amount = text.rpartition("=")
    count, _, size = amount.partition(":")
    try:
        objects = Objects(kind, int(count))
        objects = replace(objects, size_bytes=int(size)) if size else objects
    except ValueError:
        raise argparse.ArgumentTypeError(f"write KIND=COUNT[:BYTES], not {text!r}") from None
    if not kind.endswith((".yaml", ".yml", ".json")):
        return objects
    try:
        definition = Path(kind).read_text(encoding="utf-8")
        return replace(objects, resource=custom_kind(definition).resource, definition=definition)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"cannot use {kind}: {error}") from error


def _clients(options: argparse.Namespace, taken: Collection[str]) -> list[Client]:
    rules = _rules(options.role) if options.role is not None else ()
    ready = (options.quiet, options.ready_url, options.ready_line, options.ready_within)
    clients: list[Client] = []
    for name, command in (options.client, *options.against):
        called = name or name_of(command, [*taken, *(client.name for client in clients)])
        clients.append(Client(called, without_values(called, command), rules, *ready))
    return clients


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _rules(path: Path) -> tuple[dict[str, tuple[str, ...]], ...]:
    """Read the rules of every ClusterRole and Role in a file. Raises ``PlanError``."""
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PlanError(f"cannot read --role {path}: {error}") from error
    tables = [document for document in documents if isinstance(document, dict)]
    objects = [item for table in tables for item in _as_list(table.get("items")) or [table]]
    roles = [item for item in objects if isinstance(item, dict) and item.get("kind") in GRANTING]
    rules = [rule for role in roles for rule in _as_list(role.get("rules"))]
    if not rules:
        raise PlanError(f"--role {path} has no ClusterRole with rules, and no Role either")
    for rule in rules:
        if not isinstance(rule, dict) or not all(isinstance(item, list) for item in rule.values()):
            raise PlanError(f"--role {path} has a rule that is no table of lists: {rule}")
        if unknown := sorted(map(str, rule.keys() - KEYS_OF_RULE)):
            raise PlanError(
                f"--role {path} has a rule with the unknown key {', '.join(unknown)}; "
                f"a rule has: {', '.join(sorted(KEYS_OF_RULE))}"
            )
    return tuple({key: tuple(values) for key, values in rule.items()} for rule in rules)
