"""``bench binaries``: find, fetch or build the control plane's programs, and nothing else."""

import argparse

from bench.cli.arguments import Verbs, add_kubernetes
from bench.cli.exits import OK
from bench.cluster.binaries import KUBERNETES_VERSION, resolve
from bench.progress import Progress


def register(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser("binaries", help="find, fetch or build kube-apiserver and etcd")
    add_kubernetes(parser, "both programs")
    parser.set_defaults(command=_binaries)


def _binaries(options: argparse.Namespace, progress: Progress) -> int:
    found = resolve(kubernetes=options.kubernetes or KUBERNETES_VERSION, say=progress.say)
    print(f"kube-apiserver {found.kubernetes:10} {found.kube_apiserver}")
    print(f"etcd           {found.etcd_version:10} {found.etcd}")
    print(f"from: {found.source}")
    return OK
