"""``bench binaries``: find, fetch or build the control plane's programs."""

import argparse

from bench.cli.arguments import add_kubernetes
from bench.cli.exits import OK
from bench.cluster.binaries import KUBERNETES_VERSION, resolve
from bench.cluster.binaries.pins import pins
from bench.supervision.progress import Progress

DESCRIPTION = """\
Make kube-apiserver and etcd ready and print their paths. The first source with the version is
used: the files that TEST_ASSET_KUBE_APISERVER and TEST_ASSET_ETCD name, the folder
KUBEBUILDER_ASSETS, our cache, setup-envtest's store, the envtest archive, a build from pinned
Go modules (6 to 12 min on two processors, 4 GB of disk, once)."""

EPILOG = """\
versions:
  Any patch of the same minor version may stand in for the requested one; results name the
  version that the program itself reports.
  Pinned, so that they can be built without a ready-made binary: {pinned}.
  python -m bench.cluster.binaries.pin 1.34.4    pins another one (downloads Go modules)
  setup-envtest use 1.34.x                       installs a ready-made one where it is found
"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG.format(pinned=", ".join(str(pin.kubernetes) for pin in pins()))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_kubernetes(parser, "both programs")
    parser.set_defaults(command=_binaries)


def _binaries(options: argparse.Namespace, progress: Progress) -> int:
    binaries = resolve(kubernetes=options.kubernetes or KUBERNETES_VERSION, say=progress.say)
    print(f"kube-apiserver {binaries.kubernetes:10} {binaries.kube_apiserver}")
    print(f"etcd           {binaries.etcd_version:10} {binaries.etcd}")
    print(f"from: {binaries.source}")
    return OK
