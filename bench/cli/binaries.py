"""``bench binaries``: find, fetch or build the control plane's programs, and nothing else."""

import argparse

from bench.cli.arguments import add_kubernetes
from bench.cli.exits import OK
from bench.cluster.binaries import KUBERNETES_VERSION, resolve
from bench.cluster.binaries.pins import pins
from bench.supervision.progress import Progress

DESCRIPTION = """\
Make kube-apiserver and etcd ready and say where they are. The first of these that has the
version is taken: the files that TEST_ASSET_KUBE_APISERVER and TEST_ASSET_ETCD name, the folder
KUBEBUILDER_ASSETS, our cache, setup-envtest's store, the envtest archive, a build from pinned
Go modules (6 to 12 min on two processors, 4 GB of disk, once)."""

EPILOG = """\
versions:
  Any patch of the same minor version stands in for the one that is asked for; what is used
  says its version itself, and that is what results name.
  Pinned, so that they can be built without a ready-made binary: {pinned}.
  python -m bench.cluster.binaries.pin 1.34.4    pins another one (downloads Go modules)
  setup-envtest use 1.34.x                       puts a ready-made one where it is found
"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG.format(pinned=", ".join(str(pin.kubernetes) for pin in pins()))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_kubernetes(parser, "both programs")
    parser.set_defaults(command=_binaries)


def _binaries(options: argparse.Namespace, progress: Progress) -> int:
    found = resolve(kubernetes=options.kubernetes or KUBERNETES_VERSION, say=progress.say)
    print(f"kube-apiserver {found.kubernetes:10} {found.kube_apiserver}")
    print(f"etcd           {found.etcd_version:10} {found.etcd}")
    print(f"from: {found.source}")
    return OK
