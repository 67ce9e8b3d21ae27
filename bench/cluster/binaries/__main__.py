"""``python -m bench.cluster.binaries``: make the binaries ready and print where they are."""

import sys

from bench.cluster.binaries import BinariesUnavailable, resolve
from bench.supervision.signals import Interrupted, unwinding_on_signals


def main() -> int:
    """Print paths, versions and source; return the exit code."""
    try:
        with unwinding_on_signals():
            binaries = resolve()
    except BinariesUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    except Interrupted as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"kube-apiserver {binaries.kubernetes}: {binaries.kube_apiserver}")
    print(f"etcd {binaries.etcd_version}: {binaries.etcd}")
    print(f"source: {binaries.source}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
