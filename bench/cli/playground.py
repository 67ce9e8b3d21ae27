"""Arguments of the verbs that start a playground."""

import argparse

from bench.cli.arguments import add_kubernetes, churn_rate, pod_count
from bench.cluster.binaries import KUBERNETES_VERSION
from bench.interactive.playground import Playground


def add_playground(parser: argparse.ArgumentParser) -> None:
    """Add ``--pods``, ``--churn``, ``--seed`` and ``--kubernetes``."""
    parser.add_argument("--pods", type=pod_count, default=1000, help="pods to write (%(default)s)")
    parser.add_argument(
        "--churn", type=churn_rate, default=20.0, metavar="R", help="writes a second (%(default)g)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the population (%(default)s)")
    add_kubernetes(parser, "the cluster")


def playground_of(options: argparse.Namespace) -> Playground:
    """Return what these arguments ask for."""
    version = options.kubernetes or KUBERNETES_VERSION
    return Playground(options.pods, options.churn, options.seed, version)
