"""``bench up``: a populated cluster and both servers to explore."""

import argparse
from pathlib import Path

from bench.cli.arguments import add_kubernetes, churn_rate, pod_count
from bench.cli.exits import OK
from bench.cluster.binaries import KUBERNETES_VERSION
from bench.interactive.playground import Playground
from bench.interactive.up import up
from bench.supervision.progress import Progress


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_playground(parser)
    parser.add_argument(
        "--kubeconfig-out",
        type=Path,
        metavar="FILE",
        help="copy the kubeconfig to this new file",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the addresses as one line of JSON when ready"
    )
    parser.set_defaults(command=_up)


def _up(options: argparse.Namespace, progress: Progress) -> int:
    up(playground_of(options), options.kubeconfig_out, progress, as_json=options.json)
    return OK


def add_playground(parser: argparse.ArgumentParser) -> None:
    """Add ``--pods``, ``--churn``, ``--seed`` and ``--kubernetes``."""
    parser.add_argument("--pods", type=pod_count, default=1000, help="pods to write (%(default)s)")
    parser.add_argument(
        "--churn", type=churn_rate, default=20.0, metavar="R", help="writes a second (%(default)g)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the population (%(default)s)")
    add_kubernetes(parser, "the cluster")


def playground_of(options: argparse.Namespace) -> Playground:
    """Return the playground of these arguments."""
    version = options.kubernetes or KUBERNETES_VERSION
    return Playground(options.pods, options.churn, options.seed, version)
