"""``bench up``: a populated cluster and both servers, to play with."""

import argparse
from pathlib import Path

from bench.cli.arguments import add_kubernetes, churn_rate, pod_count
from bench.cli.exits import OK
from bench.cluster.binaries import KUBERNETES_VERSION
from bench.progress import Progress
from bench.up import UpOptions, up


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--pods", type=pod_count, default=1000, help="pods to write (%(default)s)")
    parser.add_argument(
        "--churn", type=churn_rate, default=20.0, metavar="R", help="writes a second (%(default)g)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the population (%(default)s)")
    parser.add_argument(
        "--kubeconfig-out",
        type=Path,
        metavar="FILE",
        help="copy the kubeconfig to this new file",
    )
    add_kubernetes(parser, "the cluster")
    parser.add_argument(
        "--json", action="store_true", help="print the addresses as one line of JSON when ready"
    )
    parser.set_defaults(command=_up)


def _up(options: argparse.Namespace, progress: Progress) -> int:
    up(
        UpOptions(
            pods=options.pods,
            churn_per_s=options.churn,
            seed=options.seed,
            kubeconfig_out=options.kubeconfig_out,
            as_json=options.json,
            kubernetes=options.kubernetes or KUBERNETES_VERSION,
        ),
        progress,
    )
    return OK
