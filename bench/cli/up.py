"""``bench up``: a populated cluster and both servers to explore."""

import argparse
from pathlib import Path

from bench.cli.exits import OK
from bench.cli.playground import add_playground, playground_of
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
